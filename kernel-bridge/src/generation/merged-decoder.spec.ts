/**
 * A merged decoder, as Optimum makes it: one If whose branches hold the whole model, one with a cache and one without.
 * Made here from the demo model; the branch without a cache must be taken for the prompt only.
 */
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadModel, type Edits, type MoEModel } from '..';
import { DEMO } from '../../test/zoo';
import { readModel } from '../onnx/model';
import {
  ELEMENT,
  encodeModelProto,
  type AttributeProto,
  type GraphProto,
  type NodeProto
} from '../onnx/schema';

const attribute = (
  name: string,
  value: Partial<AttributeProto>
): AttributeProto => ({
  name,
  floats: [],
  ints: [],
  strings: [],
  tensors: [],
  graphs: [],
  ...value
});

/** A branch: the graph's nodes under names of their own, which may read another past than they are given. */
function branch(
  graph: GraphProto,
  own: string,
  pastOf: (name: string) => string,
  before: NodeProto[]
): GraphProto {
  const made = new Set(graph.node.flatMap(({ output }) => output));
  const rename = (name: string): string =>
    made.has(name)
      ? `${own}/${name}`
      : name.startsWith('past')
        ? pastOf(name)
        : name;
  return {
    name: own,
    initializer: [],
    input: [],
    valueInfo: [],
    node: [
      ...before,
      ...graph.node.map(node => ({
        ...node,
        name: `${own}/${node.name}`,
        input: node.input.map(rename),
        output: node.output.map(rename)
      }))
    ],
    output: graph.output.map(info => ({ ...info, name: rename(info.name!) }))
  };
}

function merge(graph: GraphProto): GraphProto {
  const pasts = graph.input
    .map(({ name }) => name!)
    .filter(name => name.startsWith('past'));
  const withCache = branch(graph, 'with', name => name, []);
  // No rows of the past are read, whatever is fed.
  const emptied: NodeProto[] = pasts.map(name => ({
    opType: 'Slice',
    name: `without/empty/${name}`,
    input: [name, 'merge/zero', 'merge/zero', 'merge/two'],
    output: [`without/${name}`],
    attribute: []
  }));
  const without = branch(graph, 'without', name => `without/${name}`, emptied);
  const constant = (name: string, value: number) => ({
    name,
    dims: [1],
    dataType: ELEMENT.int64,
    int64Data: [value],
    floatData: [],
    int32Data: [],
    doubleData: [],
    uint64Data: [],
    externalData: []
  });
  return {
    ...graph,
    valueInfo: [],
    initializer: [
      ...graph.initializer,
      constant('merge/zero', 0),
      constant('merge/two', 2)
    ],
    input: [
      ...graph.input,
      {
        name: 'use_cache_branch',
        type: {
          tensorType: {
            elemType: ELEMENT.bool,
            shape: { dim: [{ dimValue: 1 }] }
          }
        }
      }
    ],
    node: [
      {
        opType: 'If',
        name: 'merged',
        input: ['use_cache_branch'],
        output: graph.output.map(({ name }) => name!),
        attribute: [
          attribute('then_branch', { type: 5, g: withCache }),
          attribute('else_branch', { type: 5, g: without })
        ]
      }
    ]
  };
}

describe('a merged decoder', () => {
  let folder: string;
  let merged: MoEModel;
  let demo: MoEModel;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'moe-merged-'));
    const { proto } = readModel(DEMO);
    // The weights stay in the file that they are in, which the merged graph refers to by name.
    copyFileSync(join(DEMO, 'model.onnx'), join(folder, 'model.onnx'));
    for (const name of ['config.json', 'tokenizer.json']) {
      copyFileSync(join(DEMO, name), join(folder, name));
    }
    const path = join(folder, 'decoder_model_merged.onnx');
    writeFileSync(
      path,
      encodeModelProto({ ...proto, graph: merge(proto.graph) })
    );
    demo = await loadModel(DEMO);
    merged = await loadModel(path);
  }, 60_000);
  afterAll(async () => {
    await Promise.all([demo?.dispose(), merged?.dispose()]);
    rmSync(folder, { recursive: true });
  });

  it('writes and routes as the decoder that it was made from', async () => {
    const prompts = ['def fib(n):', 'Der Rechner'];
    const expected = await demo.generate(prompts, { maxNewTokens: 12 });
    const ours = await merged.generate(prompts, { maxNewTokens: 12 });
    ours.forEach(({ text, tokens, trace }, i) => {
      expect(text).toBe(expected[i].text);
      expect(tokens).toEqual(expected[i].tokens);
      trace.samples[0].layers.forEach(({ logits, selected }, l) => {
        const layer = expected[i].trace.samples[0].layers[l];
        expect([...selected]).toEqual([...layer.selected]);
        expect(
          Math.max(
            ...logits.map((value, j) => Math.abs(value - layer.logits[j]))
          )
        ).toBeLessThan(1e-4);
      });
    });
  }, 30_000);

  it('takes edits as the decoder that it was made from, prompts side by side as one by one', async () => {
    const edits: Edits = {
      force: [{ layer: 2, expert: 5, tokens: [3] }],
      ablate: [{ layer: 4, expert: 1, mode: 'drop' }],
      topK: [{ layer: 1, k: 3 }]
    };
    const prompts = ['def fib(n):', 'Der Rechner'];
    const ours = await merged.with(edits).generate(prompts, {
      maxNewTokens: 8
    });
    for (const [i, prompt] of prompts.entries()) {
      const expected = await demo
        .with(edits)
        .generate(prompt, { maxNewTokens: 8 });
      expect(ours[i].text).toBe(expected.text);
      ours[i].trace.samples[0].layers.forEach(({ selected, topK }, l) => {
        const layer = expected.trace.samples[0].layers[l];
        expect(topK).toBe(layer.topK);
        expect([...selected]).toEqual([...layer.selected]);
      });
    }
  }, 60_000);
});
