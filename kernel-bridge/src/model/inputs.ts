/** What a graph wants to be fed for a whole sequence from an empty past. */
import type { TensorData, TensorType, TensorValue } from '../engine/messages';
import { MoEDebuggerError } from '../errors';
import { ELEMENT, type GraphProto } from '../onnx/schema';

export interface ModelInput {
  name: string;
  type: TensorType;
  /** Undefined dims are symbolic. */
  dims: (number | undefined)[];
}

export interface Sequence {
  ids: readonly number[];
  /** Of encoder-decoder models: the decoder's tokens; the encoder reads `ids`. */
  decoderIds?: readonly number[];
}

const TYPES: Record<number, TensorType> = {
  [ELEMENT.float]: 'float32',
  2: 'uint8',
  3: 'int8',
  [ELEMENT.int32]: 'int32',
  [ELEMENT.int64]: 'int64',
  [ELEMENT.bool]: 'bool',
  [ELEMENT.float16]: 'float16',
  [ELEMENT.double]: 'float64'
};

export function modelInputs(graph: GraphProto): ModelInput[] {
  const stored = new Set(graph.initializer.map(({ name }) => name));
  return graph.input
    .filter(({ name }) => !stored.has(name))
    .map(({ name = '', type }) => ({
      name,
      type: TYPES[type?.tensorType?.elemType ?? 0] ?? 'float32',
      dims: (type?.tensorType?.shape?.dim ?? []).map(({ dimValue }) => (dimValue !== undefined && Number(dimValue) > 0 ? Number(dimValue) : undefined))
    }));
}

/** Inputs that carry a cache: Optimum's, genai's and transformers.js' names alike begin so. */
const PAST = /^past(_key_values|_key|_value|_\d|\.)/;

export function isPast({ name }: ModelInput): boolean {
  return PAST.test(name);
}

/**
 * Feeds for one sequence, batch 1.
 * @throws MoEDebuggerError 'model-unsupported' naming an input that nothing is known of
 */
export function sequenceFeeds(inputs: readonly ModelInput[], sequence: Sequence): Record<string, TensorValue> {
  const feeds: Record<string, TensorValue> = {};
  const own = sequence.ids;
  const encoderDecoder = inputs.some(({ name }) => name === 'decoder_input_ids');
  for (const input of inputs) {
    const { name } = input;
    if (name === 'input_ids') {
      feeds[name] = integers(input, own);
    } else if (name === 'decoder_input_ids') {
      feeds[name] = integers(input, sequence.decoderIds ?? []);
    } else if (name === 'decoder_attention_mask') {
      feeds[name] = integers(input, (sequence.decoderIds ?? []).map(() => 1));
    } else if (name === 'attention_mask' || name === 'encoder_attention_mask') {
      feeds[name] = integers(input, own.map(() => 1));
    } else if (name === 'position_ids') {
      feeds[name] = integers(input, (encoderDecoder ? (sequence.decoderIds ?? []) : own).map((_, i) => i));
    } else if (name === 'token_type_ids') {
      feeds[name] = integers(input, own.map(() => 0));
    } else if (name === 'cache_position') {
      feeds[name] = { ...integers(input, own.map((_, i) => i)), dims: [own.length] };
    } else if (name === 'use_cache_branch') {
      feeds[name] = { type: 'bool', dims: [1], data: Uint8Array.of(0) };
    } else if (isPast(input)) {
      feeds[name] = emptyPast(input);
    } else {
      throw new MoEDebuggerError('model-unsupported', `the graph has an input ${name} that this version cannot feed`, {
        where: `${input.type}[${input.dims.map(dim => dim ?? '?').join(', ')}]`,
        hint: 'export the model for text generation, so that it takes input_ids'
      });
    }
  }
  return feeds;
}

function integers({ type, name }: ModelInput, values: readonly number[]): TensorValue {
  const dims = [1, values.length];
  switch (type) {
    case 'int64':
      return { type, dims, data: BigInt64Array.from(values, BigInt) };
    case 'int32':
      return { type, dims, data: Int32Array.from(values) };
    case 'float32':
      return { type, dims, data: Float32Array.from(values) };
    case 'bool':
      return { type, dims, data: Uint8Array.from(values) };
    default:
      throw new MoEDebuggerError('model-unsupported', `the graph's input ${name} has type ${type}`, { hint: 'export it with int64 ids' });
  }
}

/** A cache of no tokens: the batch is 1, the symbolic length 0, the rest as declared. */
function emptyPast({ type, dims }: ModelInput): TensorValue {
  const shape = dims.map((dim, axis) => (axis === 0 ? (dim ?? 1) : (dim ?? 0)));
  const size = shape.reduce((product, n) => product * n, 1);
  const data: TensorData = type === 'float16' ? new Uint16Array(size) : type === 'float64' ? new Float64Array(size) : new Float32Array(size);
  return { type, dims: shape, data };
}
