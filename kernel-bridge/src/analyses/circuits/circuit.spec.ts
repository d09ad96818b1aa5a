import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { chainMoE } from '../../../test/chain-moe';
import { temporaryFolder } from '../../../test/temporary';
import { tinyMoE } from '../../../test/tiny-moe';
import { loadModel, type MoEModel } from '../..';
import { runBoth } from '../patching/two-runs';
import { readCircuitDocument } from '../../base/protocol';
import { Circuit } from './circuit';
import { edgeGraph } from './edge-graph';
import { runCircuits } from './faithfulness';

describe('edges', () => {
  let model: MoEModel;
  const clean = [1, 2, 1];
  const corrupted = [1, 2, 2];
  const target = { kind: 'logit', token: 3 } as const;

  beforeAll(async () => {
    model = await loadModel(chainMoE().save());
  });

  afterAll(() => model.dispose());

  it('carry exactly what one part reads of another', async () => {
    const runs = await runBoth(model.loaded, clean, corrupted, { target });
    const { readers } = edgeGraph(runs.layout, runs.sources, {
      exchanges: true
    });
    const edge = (from: string, to: string, input?: string) => {
      const source = runs.sources.findIndex(({ id }) => id === from);
      const reader = readers.findIndex(
        own => own.node === to && own.input === input
      );
      expect([source, reader]).not.toContain(-1);
      return { edges: [{ source, reader }], effect: 0 };
    };
    // The edges that carry mark 2 to the last token: see chain-moe.
    const needed = [
      edge('embedding', 'layer 0 experts', 'router'),
      edge('layer 0 expert 0', 'layer 1 experts', 'router'),
      edge('layer 1 expert 1', 'layer 2 experts', 'router'),
      edge('layer 2 expert 0', 'logits')
    ];
    const idle = [
      edge('embedding', 'layer 1 experts', 'router'),
      edge('embedding', 'layer 0 experts', 'experts'),
      edge('layer 0 expert 0', 'layer 1 experts', 'experts'),
      edge('layer 0 expert 0', 'layer 3 experts', 'router'),
      edge('layer 0 expert 0', 'logits'),
      edge('layer 1 expert 1', 'layer 3 experts', 'router'),
      edge('layer 0 expert 1', 'layer 1 experts', 'router')
    ];
    const without = [...needed, ...idle].map(own => [own]);
    const all = [...needed, ...idle];
    const values = await runCircuits(
      runs,
      all,
      without.map(([left]) => all.filter(own => own !== left))
    );
    values.forEach((value, i) =>
      expect(value).toBeCloseTo(i < needed.length ? 0 : 1, 5)
    );
    // And they are sufficient.
    const every = runs.sources.flatMap(({ branch }, source) =>
      readers.flatMap(({ state }, reader) =>
        branch < state ? [{ edges: [{ source, reader }], effect: 0 }] : []
      )
    );
    const [enough, nothing, whole] = await runCircuits(runs, every, [
      needed,
      [],
      every
    ]);
    expect(
      [enough, nothing, whole].map(value => Math.round(value * 1e5))
    ).toEqual([1e5, 0, 1e5]);
  });

  it('have the measured effect where the model is linear', async () => {
    const found = await model.circuit(clean, corrupted, { target, steps: 1 });
    expect(found.edges[0]).toEqual({
      from: 'layer 2 expert 0',
      to: 'logits',
      effect: expect.closeTo(-1, 5)
    });
    expect(found.data.values).toEqual({
      clean: expect.closeTo(1, 5),
      corrupted: expect.closeTo(0, 5)
    });
  });
});

describe('a circuit', () => {
  let model: MoEModel;
  let found: Circuit;

  beforeAll(async () => {
    model = await loadModel(tinyMoE({ norms: true, seed: 3 }).save());
    found = await model.circuit([3, 1, 4, 1, 5], [3, 9, 4, 1, 5], {
      measure: 8
    });
  });

  afterAll(() => model.dispose());

  it('equals the corrupted prompt without edges, and the clean one with all', () => {
    const { points, total } = found.faithfulness!;
    expect(total).toBe(found.edges.length);
    expect(points[0]).toMatchObject({
      size: 0,
      value: expect.closeTo(found.data.values.corrupted, 4),
      faithfulness: expect.closeTo(0, 4)
    });
    expect(points.at(-1)).toMatchObject({
      size: total,
      value: expect.closeTo(found.data.values.clean, 4),
      faithfulness: expect.closeTo(1, 4)
    });
    expect(points[1].random).toMatchObject({ circuits: 3 });
  });

  it('has no edge between two equal prompts', async () => {
    const none = await model.circuit([3, 1, 4], [3, 1, 4], { measure: 1 });
    expect(none.prune(none.data.threshold).edges).toEqual([]);
    expect(none.faithfulness!.points.at(-1)!.faithfulness).toBeNull();
    expect(none.data.notes.join()).toMatch(/same in both prompts/);
  });

  it('of nodes alone ends at the same values', async () => {
    const { faithfulness, edges } = await model.circuit(
      [3, 1, 4, 1, 5],
      [3, 9, 4, 1, 5],
      { edges: false, measure: 0 }
    );
    expect(edges).toEqual([]);
    expect(faithfulness!.of).toBe('nodes');
    expect(faithfulness!.points[0].faithfulness).toBeCloseTo(0, 4);
    expect(faithfulness!.points.at(-1)!.faithfulness).toBeCloseTo(1, 4);
  });

  it('of whole layers ends at the same values', async () => {
    const { faithfulness, nodes } = await model.circuit(
      [3, 1, 4, 1, 5],
      { embeddings: 'mean' },
      { parts: false, measure: 0, steps: 1 }
    );
    expect(nodes.some(({ kind }) => kind === 'expert')).toBe(false);
    expect(faithfulness!.points[0].faithfulness).toBeCloseTo(0, 4);
    expect(faithfulness!.points.at(-1)!.faithfulness).toBeCloseTo(1, 4);
  });

  it('of heads that read apart ends at the same values', async () => {
    const other = await loadModel(tinyMoE({ heads: 4, seed: 3 }).save());
    const { faithfulness, edges, nodes } = await other.circuit(
      [3, 1, 4, 1, 5],
      [3, 9, 4, 1, 5],
      { measure: 0 }
    );
    expect(nodes.filter(({ kind }) => kind === 'head')).toHaveLength(2 * 4);
    expect(
      edges.filter(
        ({ from, to, input }) =>
          from === 'layer 0 head 2' &&
          to === 'layer 1 head 1' &&
          input === 'value'
      )
    ).toHaveLength(1);
    expect(faithfulness!.points[0].faithfulness).toBeCloseTo(0, 4);
    expect(faithfulness!.points.at(-1)!.faithfulness).toBeCloseTo(1, 4);
    // The outputs of a layer's heads sum to the layer's output.
    const ids = [0, 1, 2, 3].map(head => `layer 1 head ${head}`);
    const sum = nodes
      .filter(({ id }) => ids.includes(id))
      .reduce((all, { effect }) => all + effect!, 0);
    expect(sum).toBeCloseTo(
      nodes.find(({ id }) => id === 'layer 1 attention')!.effect!,
      4
    );
    await other.dispose();
  });

  it('is a document that can be read back', () => {
    const written: unknown = JSON.parse(JSON.stringify(found));
    const read = readCircuitDocument(written);
    expect(read).toEqual(written);
    expect(new Circuit(read).toString()).toBe(found.toString());
  });

  it('is pruned, and patched on', async () => {
    const [, second] = found.edges;
    const pruned = found.prune(Math.abs(second.effect));
    expect(pruned.edges.length).toBeLessThanOrEqual(2);
    const node = found.nodes.find(own => own.patched !== undefined)!;
    const [again] = await found.patch([{ node: node.id }]);
    expect(again.effect).toBeCloseTo(node.patched!, 4);
    const other = await loadModel(tinyMoE({ norms: true }).save());
    const late = await other.attributionPatching([1, 2], [1, 3]);
    await other.dispose();
    await expect(late.patch([{ node: node.id }])).rejects.toThrow(/disposed/);
    await expect(
      new Circuit(found.data).patch([{ node: node.id }])
    ).rejects.toMatchObject({ code: 'input' });
  });

  it('is saved in the format of the file extension', async () => {
    const folder = temporaryFolder();
    for (const [name, start] of [
      ['c.json', '{"schema":"moe-debugger/circuit@1"'],
      ['c.dot', 'digraph circuit {'],
      ['c.mmd', 'flowchart LR'],
      ['c.HTML', '<!DOCTYPE html>']
    ]) {
      await found.save(join(folder, name));
      expect(readFileSync(join(folder, name), 'utf8').startsWith(start)).toBe(
        true
      );
    }
    await expect(found.save(join(folder, 'c.txt'))).rejects.toMatchObject({
      code: 'input'
    });
    await expect(
      found.save(join(folder, 'nowhere', 'c.dot'))
    ).rejects.toMatchObject({ code: 'environment' });
    expect(readdirSync(folder)).toHaveLength(4);
  });

  it('is drawn so that untrusted text cannot run', () => {
    const hostile = '"];</title><script>alert(1)</script>\n click';
    const { data } = found;
    const nodes = data.nodes.map((node, i) =>
      i === 0 ? { ...node, id: hostile } : node
    );
    const edges = data.edges.map(edge => ({
      ...edge,
      from: edge.from === data.nodes[0].id ? hostile : edge.from
    }));
    const drawn = new Circuit({
      ...data,
      model: hostile,
      nodes,
      edges,
      threshold: 0,
      target: { ...data.target, text: hostile },
      notes: [hostile]
    });
    const html = drawn.toHTML();
    expect(html).not.toMatch(/<script|src=|href=|url\(/);
    expect(html).toContain('&lt;script&gt;');
    expect(html.match(/<path /g)!.length).toBeGreaterThan(10);
    expect(drawn.toMermaid()).not.toContain('<script');
    expect(
      drawn
        .toDOT()
        .replace(/"(?:[^"\\\n]|\\.)*"/g, '""')
        .includes('script')
    ).toBe(false);
    expect(drawn.toMermaid({ maxEdges: 3 }).match(/-->/g)!.length).toBeLessThan(
      4
    );
  });
});
