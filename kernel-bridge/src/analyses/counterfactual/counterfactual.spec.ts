import { chainMoE } from '../../../test/chain-moe';
import { loadModel, type MoEModel } from '../..';
import type { CausalEdge, CausalGraph } from './causal-graph';
import { runCounterfactual } from './run-counterfactual';

/** "from > to: +positions -positions", sorted. */
function edgeList(
  { edges }: Pick<CausalGraph, 'edges'>,
  effect: CausalEdge['effect']
): string[] {
  return edges
    .filter(edge => edge.effect === effect)
    .map(
      ({ from, to, entered = [], left = [] }) =>
        `${from} > ${to}${entered.map(p => ` +${p}`).join('')}${left.map(p => ` -${p}`).join('')}`
    )
    .sort();
}

/** KL(softmax(0, 0, 0, 1) || uniform) = 1 / (1 + 3 / e) - ln(3 + e) + ln 4. */
const KL = 1 / (1 + 3 / Math.E) - Math.log(3 + Math.E) + Math.log(4);

describe('a counterfactual of a model with known causes', () => {
  // Tokens of id 1 select expert 0 of layer 0; the last of them is edited.
  const prompt = [1, 2, 1];
  const suppressed = {
    ablate: [{ layer: 0, expert: 0, tokens: [1] as const }]
  };
  let model: MoEModel;

  beforeAll(async () => {
    model = await loadModel(chainMoE().save());
  });

  afterAll(() => model.dispose());

  it('finds every cause and nothing else', async () => {
    const { original, graph } = await runCounterfactual(
      model.loaded,
      prompt,
      suppressed,
      {}
    );
    expect(
      original.samples[0].layers.map(({ selected }) => [...selected])
    ).toEqual([
      [0, 1, 0],
      [1, 0, 1],
      [0, 1, 0],
      [2, 1, 2]
    ]);
    expect(graph.effects).toBe('direct');
    expect(edgeList(graph, 'total')).toEqual([
      'edit > layer 0 expert 0 -2',
      'edit > layer 0 expert 1 +2',
      'edit > layer 1 expert 0 +2',
      'edit > layer 1 expert 1 -2',
      'edit > layer 2 expert 0 -2',
      'edit > layer 2 expert 1 +2',
      'edit > layer 3 expert 1 +2',
      'edit > layer 3 expert 2 -2',
      'edit > output'
    ]);
    const byMark = [
      'layer 1 expert 0 +2',
      'layer 1 expert 1 -2',
      'layer 3 expert 1 +2',
      'layer 3 expert 2 -2'
    ];
    const both = (
      layer: number,
      gone: number,
      come: number,
      ...targets: string[]
    ): string[] =>
      [gone, come].flatMap(expert =>
        targets.map(target => `layer ${layer} expert ${expert} > ${target}`)
      );
    expect(edgeList(graph, 'direct')).toEqual(
      [
        'edit > layer 0 expert 0 -2',
        'edit > layer 0 expert 1 +2',
        ...byMark.map(target => `edit > ${target}`),
        ...both(0, 0, 1, ...byMark),
        ...both(1, 1, 0, 'layer 2 expert 0 -2', 'layer 2 expert 1 +2'),
        ...both(2, 0, 1, 'output')
      ].sort()
    );
    for (const { to, kl } of graph.edges) {
      if (to === 'output') {
        expect(kl!.last).toBeCloseTo(KL, 5);
        expect(kl!.mean).toBeCloseTo(KL / 3, 5);
      }
    }
    expect(graph.nodes.map(({ id }) => id)).toEqual([
      'edit',
      ...[0, 1, 2].flatMap(layer =>
        [0, 1].map(expert => `layer ${layer} expert ${expert}`)
      ),
      'layer 3 expert 1',
      'layer 3 expert 2',
      'output'
    ]);
  });

  it('lets two edits cancel each other', async () => {
    // With layer 1 forced to its original selection, nothing that reads its mark can change.
    const { graph } = await runCounterfactual(model.loaded, prompt, {
      ...suppressed,
      force: [{ layer: 1, expert: 1, tokens: [2] }]
    });
    const total = edgeList(graph, 'total');
    expect(total).toContain('edit > layer 3 expert 2 -2');
    expect(total.filter(edge => /layer 2/.test(edge))).toEqual([]);
    expect(graph.edges.find(({ to }) => to === 'output')?.kl?.mean).toBe(0);
  });

  it('reports the effect of an edit that changes no selection', async () => {
    // Without the expert's output the mark is not written, although the router selects that expert.
    const { graph } = await runCounterfactual(model.loaded, prompt, {
      scale: [{ layer: 0, expert: 0, factor: 0.1, tokens: [1] }]
    });
    expect(edgeList(graph, 'direct')).toEqual([
      'edit > layer 1 expert 0 +2',
      'edit > layer 1 expert 1 -2',
      'edit > layer 3 expert 1 +2',
      'edit > layer 3 expert 2 -2',
      ...[0, 1].flatMap(expert => [
        `layer 1 expert ${expert} > layer 2 expert 0 -2`,
        `layer 1 expert ${expert} > layer 2 expert 1 +2`
      ]),
      ...[0, 1].map(expert => `layer 2 expert ${expert} > output`)
    ]);
  });

  it('measures the changes at the most tokens first when runs are limited', async () => {
    const { graph } = await runCounterfactual(
      model.loaded,
      prompt,
      suppressed,
      {
        maxRuns: 1
      }
    );
    expect(
      edgeList(graph, 'direct').filter(edge => edge.startsWith('layer 0'))
    ).toHaveLength(8);
    expect(
      edgeList(graph, 'direct').filter(edge => /^layer [123]/.test(edge))
    ).toEqual([]);
    expect(graph.unmeasured).toHaveLength(6);
  });

  it('reports when effects are total only', async () => {
    const { graph } = await runCounterfactual(
      model.loaded,
      prompt,
      suppressed,
      {
        direct: false
      }
    );
    expect(graph).toMatchObject({
      effects: 'total',
      why: 'direct effects are turned off'
    });
    expect(edgeList(graph, 'direct')).toEqual([]);
    expect(edgeList(graph, 'total')).toHaveLength(9);
  });

  it('reports progress and can be cancelled', async () => {
    const steps: [number, number][] = [];
    await runCounterfactual(model.loaded, prompt, suppressed, {
      onProgress: ({ done, total }) => steps.push([done, total])
    });
    expect(steps.map(([done]) => done)).toEqual(steps.map((_, i) => i + 1));
    expect(steps.at(-1)).toEqual([steps.length, steps.length]);
    const controller = new AbortController();
    await expect(
      runCounterfactual(model.loaded, prompt, suppressed, {
        signal: controller.signal,
        onProgress: ({ done }) => done === 3 && controller.abort()
      })
    ).rejects.toThrow(expect.objectContaining({ code: 'cancelled' }));
    expect((await model.trace(prompt)).samples).toHaveLength(1);
  });

  it.each([
    [{}, {}, /there are no edits/],
    [{ ablate: [{ layer: 9, expert: 0 }] }, {}, /layer 9 has no router/],
    [suppressed, { maxRuns: -1 }, /invalid maxRuns -1/],
    [suppressed, { nearMiss: NaN }, /invalid near-miss threshold/]
  ])('refuses %j with %j', async (edits, options, message) => {
    await expect(
      runCounterfactual(model.loaded, prompt, edits, options)
    ).rejects.toThrow(message);
  });
});
