import { Graph } from '../../onnx/graph/graph';
import {
  ELEMENT,
  type GraphProto,
  type ValueInfoProto
} from '../../onnx/file/schema';
import { ModelInputs, wholeSequence, type Step } from './inputs';

/** A graph without nodes, with these inputs: name, element type and dims. */
function inputsOf(
  ...inputs: [name: string, type: number, dims: (number | string)[]][]
): ModelInputs {
  const graph: GraphProto = {
    node: [],
    initializer: [],
    input: inputs.map(([name, elemType, dims]): ValueInfoProto => ({
      name,
      type: {
        tensorType: {
          elemType,
          shape: {
            dim: dims.map(dim =>
              typeof dim === 'number' ? { dimValue: dim } : { dimParam: dim }
            )
          }
        }
      }
    })),
    output: [],
    valueInfo: []
  };
  return new ModelInputs(new Graph(graph), {
    model: {},
    generation: {},
    genai: {}
  });
}

const { int32, int64, bool, float } = ELEMENT;
const SEQUENCE = ['batch', 'sequence'];

/** Two sequences of three and two tokens, then one more token each. */
const PROMPTS: Step = {
  ids: [
    [5, 6, 7],
    [8, 9, 0]
  ],
  positions: [
    [0, 1, 2],
    [0, 1, 2]
  ],
  mask: [
    [1, 1, 1],
    [1, 1, 0]
  ],
  cached: 0
};
const NEXT: Step = {
  ids: [[10], [11]],
  positions: [[3], [2]],
  mask: [
    [1, 1, 1, 1],
    [1, 1, 0, 1]
  ],
  cached: 3
};

describe('ModelInputs', () => {
  it('feeds a whole sequence', () => {
    const inputs = inputsOf(
      ['input_ids', int64, SEQUENCE],
      ['attention_mask', int64, SEQUENCE],
      ['position_ids', int32, SEQUENCE],
      ['cache_position', int64, ['sequence']]
    );
    expect(inputs.feeds(wholeSequence({ ids: [7, 8, 9] }))).toEqual({
      input_ids: {
        type: 'int64',
        dims: [1, 3],
        data: BigInt64Array.of(7n, 8n, 9n)
      },
      attention_mask: {
        type: 'int64',
        dims: [1, 3],
        data: BigInt64Array.of(1n, 1n, 1n)
      },
      position_ids: {
        type: 'int32',
        dims: [1, 3],
        data: Int32Array.of(0, 1, 2)
      },
      cache_position: {
        type: 'int64',
        dims: [3],
        data: BigInt64Array.of(0n, 1n, 2n)
      }
    });
  });

  it('requires the length that a graph was exported for', () => {
    const inputs = inputsOf(['input_ids', int64, ['batch', 3]]);
    expect(inputs.lengthOf('input_ids')).toBe(3);
    expect(inputs.feeds(wholeSequence({ ids: [7, 8, 9] }))).toHaveProperty(
      'input_ids.dims',
      [1, 3]
    );
    expect(() => inputs.feeds(wholeSequence({ ids: [7, 8] }))).toThrow(
      /exported for 3 tokens, but this sequence has 2/
    );
  });

  it('feeds prompts of different lengths side by side, then one token each', () => {
    const inputs = inputsOf(
      ['input_ids', int32, SEQUENCE],
      ['attention_mask', float, SEQUENCE],
      ['position_ids', int32, SEQUENCE],
      ['cache_position', int32, ['sequence']]
    );
    expect(inputs.batched).toBe(true);
    expect(inputs.feeds(PROMPTS)).toMatchObject({
      input_ids: { dims: [2, 3], data: Int32Array.of(5, 6, 7, 8, 9, 0) },
      attention_mask: {
        type: 'float32',
        data: Float32Array.of(1, 1, 1, 1, 1, 0)
      }
    });
    expect(inputs.feeds(NEXT)).toMatchObject({
      input_ids: { dims: [2, 1], data: Int32Array.of(10, 11) },
      attention_mask: {
        dims: [2, 4],
        data: Float32Array.of(1, 1, 1, 1, 1, 1, 0, 1)
      },
      position_ids: { dims: [2, 1], data: Int32Array.of(3, 2) },
      cache_position: { dims: [1], data: Int32Array.of(3) }
    });
  });

  it('feeds the sequence length to graphs that have an input for it', () => {
    const inputs = inputsOf(
      ['input_ids', int64, SEQUENCE],
      ['past_sequence_length', int32, []],
      ['total_sequence_length', int32, [1]],
      ['seqlens_k', int32, ['batch']],
      ['num_logits_to_keep', int64, []]
    );
    expect(inputs.feeds(NEXT)).toMatchObject({
      past_sequence_length: { dims: [], data: Int32Array.of(3) },
      total_sequence_length: { dims: [1], data: Int32Array.of(4) },
      seqlens_k: { dims: [2], data: Int32Array.of(3, 2) },
      num_logits_to_keep: { dims: [], data: BigInt64Array.of(0n) }
    });
  });

  it('feeds an empty cache only at the first step, and selects the branch of a merged decoder', () => {
    const inputs = inputsOf(
      ['input_ids', int64, SEQUENCE],
      ['use_cache_branch', bool, [1]],
      ['past_key_values.0.key', float, ['batch', 2, 'past', 4]]
    );
    expect(inputs.feeds(PROMPTS)).toMatchObject({
      use_cache_branch: { type: 'bool', data: Uint8Array.of(0) },
      'past_key_values.0.key': { type: 'float32', dims: [2, 2, 0, 4] }
    });
    const next = inputs.feeds(NEXT);
    expect(next.use_cache_branch.data).toEqual(Uint8Array.of(1));
    expect(Object.keys(next)).not.toContain('past_key_values.0.key');
  });

  it('feeds an encoder and a decoder', () => {
    const inputs = inputsOf(
      ['input_ids', int64, SEQUENCE],
      ['attention_mask', int64, SEQUENCE],
      ['decoder_input_ids', int64, ['batch', 'decoder']],
      ['decoder_attention_mask', int64, ['batch', 'decoder']]
    );
    expect(inputs.encoderDecoder).toBe(true);
    expect(
      inputs.feeds(wholeSequence({ ids: [7, 8, 9], decoderIds: [0, 4] }))
    ).toMatchObject({
      input_ids: { data: BigInt64Array.of(7n, 8n, 9n) },
      attention_mask: { data: BigInt64Array.of(1n, 1n, 1n) },
      decoder_input_ids: { data: BigInt64Array.of(0n, 4n) },
      decoder_attention_mask: { data: BigInt64Array.of(1n, 1n) }
    });
  });

  it('feeds a graph without a batch dimension', () => {
    const inputs = inputsOf(['input_ids', int64, ['sequence']]);
    expect(inputs.batched).toBe(false);
    expect(inputs.feeds(wholeSequence({ ids: [7, 8] })).input_ids.dims).toEqual(
      [2]
    );
  });

  it('rejects an unknown input by name', () => {
    const inputs = inputsOf(
      ['input_ids', int64, SEQUENCE],
      ['pixel_values', float, ['batch', 3, 224, 224]]
    );
    expect(() => inputs.feeds(wholeSequence({ ids: [1] }))).toThrow(
      expect.objectContaining({
        code: 'model-unsupported',
        message: expect.stringContaining('pixel_values') as string
      })
    );
  });
});
