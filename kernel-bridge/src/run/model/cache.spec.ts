import { DEMO, withZoo } from '../../../test/zoo';
import { Graph } from '../../onnx/graph/graph';
import { readModel } from '../../onnx/file/model';
import type { GraphProto } from '../../onnx/file/schema';
import { emptyCache, type CacheEntry } from './cache';
import { readConfig } from './config';
import { ModelInputs } from './inputs';

function cacheOf(
  folder: string,
  edit: (graph: GraphProto) => GraphProto = graph => graph
): readonly CacheEntry[] {
  const { proto } = readModel(folder);
  return new ModelInputs(new Graph(edit(proto.graph)), readConfig(folder))
    .cache;
}

describe('the cache of a decoder', () => {
  it("is found by Optimum's names, and begins with no tokens", () => {
    const cache = cacheOf(DEMO);
    expect(cache).toHaveLength(12);
    expect(cache[0]).toEqual({
      past: 'past_key_values.0.key',
      present: 'present.0.key',
      type: 'float32',
      shape: [undefined, 3, 0, 32]
    });
    expect(cache[11]).toMatchObject({
      past: 'past_key_values.5.value',
      present: 'present.5.value'
    });
    expect(emptyCache(cache[0], 4)).toEqual({
      type: 'float32',
      dims: [4, 3, 0, 32],
      data: new Float32Array(0)
    });
  });

  it('is followed through the graph where the names say nothing', () => {
    const renamed = new Map<string, string>();
    const rename = (name: string): string => renamed.get(name) ?? name;
    const cache = cacheOf(DEMO, graph => {
      graph.output.forEach(
        ({ name = '' }, i) =>
          name.startsWith('present') && renamed.set(name, `output_${99 - i}`)
      );
      graph.input.forEach(
        ({ name = '' }, i) =>
          name.startsWith('past') && renamed.set(name, `input_${i}`)
      );
      return {
        ...graph,
        input: graph.input.map(info => ({ ...info, name: rename(info.name!) })),
        output: graph.output.map(info => ({
          ...info,
          name: rename(info.name!)
        })),
        node: graph.node.map(node => ({
          ...node,
          input: node.input.map(rename),
          output: node.output.map(rename)
        }))
      };
    });
    expect(cache).toHaveLength(12);
    for (const { past, present } of cache) {
      const [input] = [...renamed].find(([, name]) => name === past)!;
      const [output] = [...renamed].find(([, name]) => name === present)!;
      expect(output).toBe(input.replace('past_key_values', 'present'));
    }
  });

  it('has no output where the graph has none', () => {
    const cache = cacheOf(DEMO, graph => ({
      ...graph,
      output: graph.output.filter(({ name }) => name === 'logits')
    }));
    expect(new Set(cache.map(({ present }) => present))).toEqual(
      new Set([undefined])
    );
  });

  it('is empty for a model without one', () => {
    expect(
      cacheOf(DEMO, graph => ({
        ...graph,
        input: graph.input.filter(({ name }) => !name!.startsWith('past'))
      }))
    ).toEqual([]);
  });

  withZoo('gpt_oss-genai-int4', 'of a model from onnxruntime-genai', genai => {
    it("is sized by the attention operator where genai leaves the head's size open; a sliding window is there in full", () => {
      const cache = cacheOf(genai);
      expect(cache.map(({ shape }) => shape)).toEqual(
        [16, 0, 16, 0, 16, 0, 16, 0].map(rows => [undefined, 2, rows, 16])
      );
      expect(cache[1]).toMatchObject({
        past: 'past_key_values.1.key',
        present: 'present.1.key'
      });
    });

    it('is sized by the configuration where the operator is not followed by its projection', () => {
      const cache = cacheOf(genai, graph => ({
        ...graph,
        node: graph.node.map(node =>
          node.opType === 'MatMulNBits' ? { ...node, opType: 'Other' } : node
        )
      }));
      expect(cache[0].shape).toEqual([undefined, 2, 16, 16]);
    });

    it('is refused when nothing says how large it is', () => {
      const { proto } = readModel(genai);
      const graph = {
        ...proto.graph,
        node: proto.graph.node.map(node =>
          node.opType === 'MatMulNBits' ? { ...node, opType: 'Other' } : node
        )
      };
      const inputs = new ModelInputs(new Graph(graph), {
        model: {},
        generation: {},
        genai: {}
      });
      expect(() => inputs.cache).toThrow(
        expect.objectContaining({
          code: 'model-unsupported',
          where: 'past_key_values.0.key'
        })
      );
    });
  });
});
