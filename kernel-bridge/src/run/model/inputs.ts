/** Builds the inputs of a graph, for traces and for generation. */
import type { TensorType, TensorValue } from '../engine/messages';
import { MoEDebuggerError } from '../../base/errors';
import type { Graph } from '../../onnx/graph/graph';
import { ELEMENT, type GraphProto } from '../../onnx/file/schema';
import { emptyCache, findCache, type CacheEntry } from './cache';
import type { ModelConfig } from './config';
import type { ModelInput } from './model-input';

/** Tokens to run through the model, one row per sequence; rows have the same length, padded if necessary. */
export interface Step {
  /** [batch][tokens] */
  ids: readonly (readonly number[])[];
  /** [batch][tokens]: each token's position in its sequence. */
  positions: readonly (readonly number[])[];
  /** [batch][cached + tokens]: 1 for a token that counts, 0 for padding. */
  mask: readonly (readonly number[])[];
  /** Number of tokens in the cache. */
  cached: number;
  /** For encoder-decoder models: the encoder's tokens; `ids` are the decoder's. */
  encoderIds?: readonly (readonly number[])[];
}

export interface Sequence {
  ids: readonly number[];
  /** For encoder-decoder models: the decoder's tokens; the encoder reads `ids`. */
  decoderIds?: readonly number[];
}

/** One whole sequence with an empty cache. */
export function wholeSequence({ ids, decoderIds }: Sequence): Step {
  const own = decoderIds ?? ids;
  return {
    ids: [own],
    positions: [own.map((_, i) => i)],
    mask: [own.map(() => 1)],
    cached: 0,
    ...(decoderIds ? { encoderIds: [ids] } : {})
  };
}

export class ModelInputs {
  /** The model has an encoder that reads the prompt and a decoder that generates. */
  readonly encoderDecoder: boolean;
  private readonly _inputs: readonly ModelInput[];
  private _cache?: readonly CacheEntry[];

  constructor(
    private readonly _graph: Graph,
    private readonly _config: ModelConfig,
    private readonly _added: (
      step: Step
    ) => Record<string, TensorValue> = () => ({})
  ) {
    this._inputs = modelInputs(_graph.root.proto);
    this.encoderDecoder = this.has('decoder_input_ids');
  }

  /**
   * The KV cache; empty for a model without one.
   * @throws MoEDebuggerError 'model-unsupported' for a cache of unknown size
   */
  get cache(): readonly CacheEntry[] {
    return (this._cache ??= findCache(this._graph, this._inputs, this._config));
  }

  /** The same inputs, and those that were added to the graph. */
  plus(added: (step: Step) => Record<string, TensorValue>): ModelInputs {
    return new ModelInputs(this._graph, this._config, added);
  }

  has(name: string): boolean {
    return this._inputs.some(input => input.name === name);
  }

  /** True if several sequences can be fed side by side. */
  get batched(): boolean {
    return this._inputs.some(
      ({ name, dims }) =>
        TOKENS.has(name) && dims.length > 1 && dims[0] === undefined
    );
  }

  /** Number of tokens of an input of ids, if the graph was exported for a single length. */
  lengthOf(name: string): number | undefined {
    return this._inputs.find(input => input.name === name)?.dims.at(-1);
  }

  /**
   * Inputs of one run. The first step includes an empty cache; later ones omit the cache, which the engine keeps.
   * @throws MoEDebuggerError 'model-unsupported' naming an unknown input; 'input' for a different number of tokens than the
   * graph was exported for
   */
  feeds(step: Step): Record<string, TensorValue> {
    const feeds: Record<string, TensorValue> = {};
    const cache = new Map(this.cache.map(entry => [entry.past, entry]));
    for (const input of this._inputs) {
      const entry = cache.get(input.name);
      if (!entry) {
        feeds[input.name] = feed(input, step);
      } else if (step.cached === 0) {
        feeds[input.name] = emptyCache(entry, step.ids.length);
      }
    }
    return { ...feeds, ...this._added(step) };
  }
}

const TOKENS = new Set(['input_ids', 'decoder_input_ids']);

/** Names of inputs that `feeds` knows what to give. */
export const KNOWN_INPUTS: ReadonlySet<string> = new Set([
  ...TOKENS,
  'attention_mask',
  'encoder_attention_mask',
  'decoder_attention_mask',
  'position_ids',
  'decoder_position_ids',
  'token_type_ids',
  'cache_position',
  'past_sequence_length',
  'past_seq_len',
  'total_sequence_length',
  'seqlens_k',
  'num_logits_to_keep',
  'logits_to_keep',
  'use_cache_branch'
]);

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

function modelInputs(graph: GraphProto): ModelInput[] {
  const stored = new Set(graph.initializer.map(({ name }) => name));
  return graph.input
    .filter(({ name }) => !stored.has(name))
    .map(({ name = '', type }) => {
      const dims = type?.tensorType?.shape?.dim ?? [];
      return {
        name,
        type: TYPES[type?.tensorType?.elemType ?? 0],
        dims: dims.map(({ dimValue }) =>
          dimValue !== undefined && Number(dimValue) > 0
            ? Number(dimValue)
            : undefined
        ),
        dimNames: dims.map(({ dimParam }) => dimParam || undefined)
      };
    });
}

function tokenIds(
  input: ModelInput,
  rows: readonly (readonly number[])[]
): TensorValue {
  const tokens = input.dims.at(-1);
  if (tokens !== undefined && tokens !== rows[0].length) {
    throw new MoEDebuggerError(
      'input',
      `the model was exported for ${tokens} tokens, but this sequence has ${rows[0].length}`,
      {
        where: input.name,
        hint: `give ${tokens} tokens, or export it with a dynamic axis`
      }
    );
  }
  return integers(input, rows);
}

function feed(input: ModelInput, step: Step): TensorValue {
  const { ids, positions, mask, cached, encoderIds } = step;
  const tokens = ids[0].length;
  const ones = (rows: readonly (readonly number[])[]): number[][] =>
    rows.map(row => row.map(() => 1));
  switch (input.name) {
    case 'input_ids':
      return tokenIds(input, encoderIds ?? ids);
    case 'decoder_input_ids':
      return tokenIds(input, ids);
    case 'attention_mask':
      return integers(input, encoderIds ? ones(encoderIds) : mask);
    case 'encoder_attention_mask':
      return integers(input, ones(encoderIds ?? ids));
    case 'decoder_attention_mask':
      return integers(input, mask);
    case 'position_ids':
    case 'decoder_position_ids':
      return integers(input, positions);
    case 'token_type_ids':
      return integers(
        input,
        ids.map(row => row.map(() => 0))
      );
    case 'cache_position':
      return count(
        input,
        ids[0].map((_, i) => cached + i)
      );
    case 'past_sequence_length':
    case 'past_seq_len':
      return count(input, [cached]);
    case 'total_sequence_length':
      return count(input, [cached + tokens]);
    case 'seqlens_k':
      return count(
        input,
        mask.map(row => row.reduce((sum, value) => sum + value, 0) - 1)
      );
    case 'num_logits_to_keep':
    case 'logits_to_keep':
      // Zero means all.
      return count(input, [0]);
    case 'use_cache_branch':
      return {
        type: 'bool',
        dims: [1],
        data: Uint8Array.of(cached > 0 ? 1 : 0)
      };
    default:
      throw new MoEDebuggerError(
        'model-unsupported',
        `the graph has an unknown input ${input.name}`,
        {
          where: `${input.type ?? 'an unknown type'}[${input.dims.map(dim => dim ?? '?').join(', ')}]`,
          hint:
            input.name === 'inputs_embeds'
              ? 'put the model that embeds its tokens (embed_tokens.onnx), which takes token ids alone, beside it'
              : 'export the model for text generation, so that it takes input_ids'
        }
      );
  }
}

/** [batch, tokens], or [tokens] if the graph has no batch axis. */
function integers(
  input: ModelInput,
  rows: readonly (readonly number[])[]
): TensorValue {
  return tensor(
    input,
    rows.flat(),
    input.dims.length === 1 ? [rows[0].length] : [rows.length, rows[0].length]
  );
}

/** A short list, or a scalar if the graph declares one. */
function count(input: ModelInput, values: readonly number[]): TensorValue {
  return tensor(
    input,
    values,
    input.dims.length === 0 && values.length === 1
      ? []
      : input.dims.length === 2
        ? [values.length, 1]
        : [values.length]
  );
}

function tensor(
  { type, name }: ModelInput,
  values: readonly number[],
  dims: number[]
): TensorValue {
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
      throw new MoEDebuggerError(
        'model-unsupported',
        `the graph's input ${name} has an unsupported type`,
        {
          where: name,
          hint: 'export it with int64 ids'
        }
      );
  }
}
