/** A decoder's key-value cache: which output becomes which input of the next step, and what an empty one looks like. */
import type { TensorType, TensorValue } from '../engine/messages';
import { MoEDebuggerError } from '../../base/errors';
import { attributeInt } from '../../onnx/graph/attributes';
import type { Graph, GraphNode } from '../../onnx/graph/graph';
import { walk } from '../../onnx/graph/walk';
import { configCount, type JsonConfig, type ModelConfig } from './config';
import type { ModelInput } from './model-input';

/** One tensor that a decoder carries from step to step. */
export interface CacheEntry {
  /** The input that reads it. */
  past: string;
  /** The output that continues it; undefined when there is none to be found. */
  present: string | undefined;
  type: TensorType | undefined;
  /** Of an empty cache; undefined where the number of sequences goes. */
  shape: (number | undefined)[];
}

/** Inputs that carry a cache: Optimum's, genai's and transformers.js' names alike begin so. */
const PAST = /^past(_key_values|_key|_value|_\d|\.)/;
/** What stands between the past and the present of one entry, besides attention itself. */
const CACHE_STEPS = new Set([
  'Concat',
  'Identity',
  'Cast',
  'Where',
  'Slice',
  'Transpose',
  'Reshape',
  'Unsqueeze',
  'Squeeze',
  'ScatterND',
  'ScatterElements',
  'TensorScatter',
  'If'
]);
const MAX_STEPS = 8;

/**
 * The cache of a decoder; empty for a model without one. An output is matched by its name where the names of all
 * agree, otherwise by the path that the tensor takes through the graph.
 * @throws MoEDebuggerError 'model-unsupported' naming an input whose size cannot be found
 */
export function findCache(
  graph: Graph,
  inputs: readonly ModelInput[],
  config: ModelConfig
): CacheEntry[] {
  const pasts = inputs.filter(
    ({ name, type, dims }) =>
      PAST.test(name) ||
      (type?.startsWith('float') &&
        dims.length >= 4 &&
        flowsTo(graph, name) !== undefined)
  );
  const presents =
    byName(graph, pasts, config) ??
    pasts.map(({ name }) => flowsTo(graph, name));
  return pasts.map((input, i) => ({
    past: input.name,
    // Two inputs cannot be continued by one output: the path was misread.
    present:
      presents.indexOf(presents[i]) === presents.lastIndexOf(presents[i])
        ? presents[i]
        : undefined,
    type: input.type,
    shape: emptyShape(graph, input, config)
  }));
}

/** Zeros for `batch` sequences of no tokens. */
export function emptyCache(
  { past, type, shape }: CacheEntry,
  batch: number
): TensorValue {
  const dims = shape.map(size => size ?? batch);
  const size = dims.reduce((product, n) => product * n, 1);
  switch (type) {
    case 'float32':
      return { type, dims, data: new Float32Array(size) };
    case 'float16':
      return { type, dims, data: new Uint16Array(size) };
    case 'float64':
      return { type, dims, data: new Float64Array(size) };
    case 'int8':
      return { type, dims, data: new Int8Array(size) };
    case 'uint8':
      return { type, dims, data: new Uint8Array(size) };
    default:
      throw new MoEDebuggerError(
        'model-unsupported',
        `the cache ${past} has a type that onnxruntime-node cannot be fed`,
        {
          where: past,
          hint: 'export it with a float32 or float16 cache'
        }
      );
  }
}

/** Outputs that are called as the inputs are, "present" for "past"; undefined unless all are found. */
function byName(
  graph: Graph,
  pasts: readonly ModelInput[],
  { genai }: ModelConfig
): string[] | undefined {
  const decoder = record(record(genai.model)?.decoder);
  const patterns = (['key', 'value'] as const).map(kind => [
    record(decoder?.inputs)?.[`past_${kind}_names`],
    record(decoder?.outputs)?.[`present_${kind}_names`]
  ]);
  const found = pasts.map(({ name }) => {
    for (const [past, present] of patterns) {
      const index =
        typeof past === 'string' && typeof present === 'string'
          ? indexIn(name, past)
          : undefined;
      const named =
        index === undefined
          ? undefined
          : (present as string).replace('%d', index);
      if (named !== undefined && graph.root.outputs.includes(named)) {
        return named;
      }
    }
    const rest = bare(name);
    return graph.root.outputs.find(
      output => /^present/.test(output) && bare(output) === rest
    );
  });
  return found.every(name => name !== undefined) ? found : undefined;
}

function bare(name: string): string {
  return name.replace(/^(past|present)(_key_values)?/, '');
}

function indexIn(name: string, pattern: string): string | undefined {
  const [before, after] = pattern.split('%d');
  const index = name.slice(before.length, name.length - (after ?? '').length);
  return `${before}${index}${after ?? ''}` === name && /^\d+$/.test(index)
    ? index
    : undefined;
}

/** The graph output that an input reaches as a cache does: lengthened, never computed with. */
function flowsTo(graph: Graph, input: string): string | undefined {
  for (const { tensor, depth } of walk(graph.root, [input], {
    direction: 'downstream',
    maxDepth: MAX_STEPS,
    through: continued
  })) {
    if (depth > 0 && graph.root.outputs.includes(tensor)) {
      return tensor;
    }
  }
  return undefined;
}

/** Attention operators take a past key and value and return them lengthened, as their second and third output. */
function continued(node: GraphNode, tensor: string): string[] {
  if (!isAttention(node)) {
    return CACHE_STEPS.has(node.op) ? node.outputs : [];
  }
  const [key, value] = pastInputs(node);
  return node.inputs[key] === tensor
    ? node.outputs.slice(1, 2)
    : node.inputs[value] === tensor
      ? node.outputs.slice(2, 3)
      : [];
}

function isAttention({ op }: GraphNode): boolean {
  return /(^|\.)(\w*Attention)$/.test(op);
}

function pastInputs({ op }: GraphNode): [key: number, value: number] {
  return op === 'Attention'
    ? [4, 5]
    : op.endsWith('MultiHeadAttention')
      ? [6, 7]
      : [3, 4];
}

/**
 * No tokens, except where the graph keeps a window of fixed size: onnxruntime's attention wants such a cache to be
 * there in full from the start, and knows from the mask how many of its rows count.
 */
function emptyShape(
  graph: Graph,
  input: ModelInput,
  config: ModelConfig
): (number | undefined)[] {
  const { name, dims, dimNames } = input;
  const attention = graph.consumers(name).find(isAttention);
  const batch = dims.length === 5 ? 1 : 0;
  const length = lengthAxis(dims, dimNames);
  return dims.map((size, axis) => {
    if (axis === batch) {
      return size;
    }
    if (size !== undefined) {
      return size;
    }
    if (axis === length) {
      return attention &&
        attributeInt(attention.proto, 'sliding_window_cache') === 1
        ? (attributeInt(attention.proto, 'local_window_size') ?? 0)
        : 0;
    }
    const known =
      axis === dims.length - 1
        ? headSize(graph, attention, config)
        : headCount(attention, config);
    if (known === undefined) {
      throw new MoEDebuggerError(
        'model-unsupported',
        `dimension ${axis} of the cache ${name} is ${JSON.stringify(dimNames[axis] ?? '?')} and nothing says how large it is`,
        {
          where: name,
          hint: 'put the config.json or genai_config.json of the model beside it'
        }
      );
    }
    return known;
  });
}

function lengthAxis(
  dims: readonly (number | undefined)[],
  names: readonly (string | undefined)[]
): number {
  const named = names.findIndex(
    name => name !== undefined && /past|seq|len/i.test(name)
  );
  return named > 0 ? named : dims.length - 2;
}

function headSize(
  graph: Graph,
  attention: GraphNode | undefined,
  { model, genai }: ModelConfig
): number | undefined {
  const decoder = record(record(genai.model)?.decoder) ?? {};
  const configured =
    configCount(decoder, 'head_size') ?? configCount(model, 'head_dim');
  const hidden = configCount(model, 'hidden_size');
  const heads = configCount(model, 'num_attention_heads');
  return (
    (attention && projectedHeadSize(graph, attention)) ??
    configured ??
    (hidden && heads ? hidden / heads : undefined)
  );
}

/** What the matrix that follows attention reads is as wide as all heads together. */
function projectedHeadSize(
  graph: Graph,
  attention: GraphNode
): number | undefined {
  const heads = attributeInt(attention.proto, 'num_heads');
  for (const node of graph.consumers(attention.outputs[0])) {
    const width =
      node.op === 'MatMul'
        ? graph.weightOf(node.inputs[1])?.dims?.[0]
        : node.op === 'com.microsoft.MatMulNBits'
          ? attributeInt(node.proto, 'K')
          : undefined;
    if (width && heads && width % heads === 0) {
      return width / heads;
    }
  }
  return undefined;
}

function headCount(
  attention: GraphNode | undefined,
  { model }: ModelConfig
): number | undefined {
  return (
    (attention && attributeInt(attention.proto, 'kv_num_heads')) ??
    configCount(model, 'num_key_value_heads', 'num_attention_heads')
  );
}

function record(value: unknown): JsonConfig | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonConfig)
    : undefined;
}
