/** Decoders of a few kilobytes with a router in each block, written as exporters write them; they run in onnxruntime. */
import { GraphBuilder, type BuilderOptions } from './graph-builder';

/** What a router hands to the experts: both [tokens, k]. */
export interface Routing {
  selected: string;
  weights: string;
}

export type RouterWriter = (
  builder: GraphBuilder,
  hidden: string,
  size: Sizes
) => Routing;

export interface Sizes {
  layers: number;
  experts: number;
  topK: number;
  hidden: number;
  intermediate: number;
  vocabulary: number;
}

export interface TinyOptions extends Partial<Sizes>, BuilderOptions {
  router?: RouterWriter;
  /** Router and experts in one, as fused operators have them; in place of `router`. [tokens, hidden] to the same. */
  mixture?: (builder: GraphBuilder, hidden: string, size: Sizes) => string;
  /** Layers that have a plain MLP. */
  dense?: number[];
  /** Heads of each attention; 1 unless given. */
  heads?: number;
  /** Norms before attention and MLP, as nearly all decoders have; or none. */
  norms?: boolean;
  /** Blocks whose attention is routed too: experts make its queries, as in JetMoE. */
  routedAttention?: number[];
  /** How picks become a weight for each expert: scattered, the default, or by one-hot rows that are added up. */
  picks?: 'scatter' | 'one-hot';
}

const SIZES: Sizes = {
  layers: 2,
  experts: 8,
  topK: 2,
  hidden: 16,
  intermediate: 12,
  vocabulary: 50
};

/** A decoder over `input_ids` [batch, sequence] whose `logits` are [batch, sequence, vocabulary]. */
export function tinyMoE(options: TinyOptions = {}): GraphBuilder {
  const { b, plan } = planOf(options);
  const ids = b.input('input_ids', 'int64', ['batch', 'sequence']);
  addLogits(b, plan, addStack(b, plan, ids));
  return b;
}

/** An encoder over `input_ids` and a decoder over `decoder_input_ids`, each with a router in the same blocks. */
export function tinyTwoStacks(options: TinyOptions = {}): GraphBuilder {
  const { b, plan } = planOf(options);
  const encoded = addStack(
    b,
    plan,
    b.input('input_ids', 'int64', ['batch', 'encoder_sequence'])
  );
  const ids = b.input('decoder_input_ids', 'int64', ['batch', 'sequence']);
  addLogits(b, plan, addStack(b, plan, ids, encoded));
  return b;
}

interface Plan {
  size: Sizes;
  router: RouterWriter;
  mixture: TinyOptions['mixture'];
  dense: number[];
  routedAttention: number[];
  norms: boolean;
  heads: number;
  picks: TinyOptions['picks'];
}

function planOf(options: TinyOptions): { b: GraphBuilder; plan: Plan } {
  const {
    router = mixtralRouter,
    mixture,
    dense = [],
    routedAttention = [],
    norms = true,
    heads = 1,
    picks = 'scatter',
    seed,
    opset,
    ...sizes
  } = options;
  const size: Sizes = { ...SIZES, ...sizes };
  return {
    b: new GraphBuilder({ seed, opset }),
    plan: { size, router, mixture, dense, routedAttention, norms, heads, picks }
  };
}

/** @param memory what a decoder reads of its encoder */
function addStack(
  b: GraphBuilder,
  plan: Plan,
  ids: string,
  memory?: string
): string {
  const { size, router, mixture, dense, routedAttention, heads, picks } = plan;
  let x = b.op('Gather', [b.weight([size.vocabulary, size.hidden]), ids]);
  for (let layer = 0; layer < size.layers; layer++) {
    const input = normed(b, plan, x);
    x = b.op('Add', [
      x,
      routedAttention.includes(layer)
        ? expertAttention(b, input, plan)
        : attention(b, input, size, heads)
    ]);
    if (memory !== undefined) {
      const query = normed(b, plan, x);
      x = b.op('Add', [x, attention(b, query, size, heads, memory)]);
    }
    const flat = b.op('Reshape', [
      normed(b, plan, x),
      b.ints([-1, size.hidden])
    ]);
    const mlp = dense.includes(layer)
      ? denseMlp(b, flat, size)
      : (mixture?.(b, flat, size) ??
        experts(b, flat, router(b, flat, size), size, picks));
    x = b.op('Add', [x, b.op('Reshape', [mlp, b.op('Shape', [x])])]);
  }
  return x;
}

function addLogits(b: GraphBuilder, plan: Plan, x: string): void {
  const { hidden, vocabulary } = plan.size;
  const logits = b.op('MatMul', [
    normed(b, plan, x),
    b.weight([hidden, vocabulary])
  ]);
  b.nodes.push({
    opType: 'Identity',
    input: [logits],
    output: ['logits'],
    attribute: []
  });
  b.output('logits', 'float', ['batch', 'sequence', vocabulary]);
}

function normed(b: GraphBuilder, { norms, size }: Plan, x: string): string {
  return norms ? rmsNorm(b, x, size) : x;
}

/** Softmax, top-k, divided by the sum: Mixtral as torch.onnx writes it. */
export const mixtralRouter: RouterWriter = (
  b,
  x,
  { experts, topK, hidden }
) => {
  const logits = b.op('MatMul', [x, b.weight([hidden, experts], 2)]);
  const [values, selected] = b.many(
    'TopK',
    [b.op('Softmax', [logits], { axis: -1 }), b.ints([topK])],
    2
  );
  const sum = b.over('ReduceSum', values, [-1], { keepdims: 1 });
  return { selected, weights: b.op('Div', [values, sum]) };
};

/** x / sqrt(mean(x²)), its mean as a product so that any opset runs it. */
function rmsNorm(b: GraphBuilder, x: string, { hidden }: Sizes): string {
  const mean = b.floats(new Float32Array(hidden).fill(1 / hidden), [hidden, 1]);
  return b.op('Div', [
    x,
    b.op('Sqrt', [b.op('MatMul', [b.op('Mul', [x, x]), mean])])
  ]);
}

function attention(
  b: GraphBuilder,
  x: string,
  { hidden }: Sizes,
  heads: number,
  memory = x
): string {
  const project = (input: string): string =>
    b.op('MatMul', [input, b.weight([hidden, hidden], 0.5)]);
  const apart = (tensor: string, perm: number[]): string =>
    b.op(
      'Transpose',
      [b.op('Reshape', [tensor, b.ints([0, 0, heads, hidden / heads])])],
      { perm }
    );
  const [query, key, value] = [project(x), project(memory), project(memory)];
  const scores =
    heads === 1
      ? b.op('MatMul', [query, b.op('Transpose', [key], { perm: [0, 2, 1] })])
      : b.op('MatMul', [apart(query, [0, 2, 1, 3]), apart(key, [0, 2, 3, 1])]);
  const mixed = b.op('MatMul', [
    b.op('Softmax', [scores], { axis: -1 }),
    heads === 1 ? value : apart(value, [0, 2, 1, 3])
  ]);
  const attended =
    heads === 1
      ? mixed
      : b.op('Reshape', [
          b.op('Transpose', [mixed], { perm: [0, 2, 1, 3] }),
          b.ints([0, 0, hidden])
        ]);
  return b.op('MatMul', [attended, b.weight([hidden, hidden], 0.5)]);
}

/** One head whose queries are a weighted sum of what experts project. */
function expertAttention(
  b: GraphBuilder,
  x: string,
  { router, size, picks }: Plan
): string {
  const { hidden } = size;
  const flat = b.op('Reshape', [x, b.ints([-1, hidden])]);
  const routed = experts(b, flat, router(b, flat, size), size, picks);
  const query = b.op('Reshape', [routed, b.op('Shape', [x])]);
  const project = (): string =>
    b.op('MatMul', [x, b.weight([hidden, hidden], 0.5)]);
  const scores = b.op('MatMul', [
    query,
    b.op('Transpose', [project()], { perm: [0, 2, 1] })
  ]);
  return b.op('MatMul', [b.op('Softmax', [scores], { axis: -1 }), project()]);
}

function denseMlp(
  b: GraphBuilder,
  x: string,
  { hidden, intermediate }: Sizes
): string {
  const inner = b.op('Relu', [
    b.op('MatMul', [x, b.weight([hidden, intermediate])])
  ]);
  return b.op('MatMul', [inner, b.weight([intermediate, hidden])]);
}

/** Every expert on every token, times a dense [tokens, experts] matrix of weights. */
function experts(
  b: GraphBuilder,
  x: string,
  routing: Routing,
  size: Sizes,
  picks: TinyOptions['picks']
): string {
  const { experts: count, hidden, intermediate } = size;
  const dense =
    picks === 'one-hot'
      ? oneHotWeights(b, routing, count)
      : scatteredWeights(b, x, routing, count);
  const inner = b.op('Relu', [
    b.op('MatMul', [
      b.over('Unsqueeze', x, [0]),
      b.weight([count, hidden, intermediate])
    ])
  ]);
  const each = b.op('MatMul', [inner, b.weight([count, intermediate, hidden])]);
  const factors = b.over(
    'Unsqueeze',
    b.op('Transpose', [dense], { perm: [1, 0] }),
    [-1]
  );
  return b.over('ReduceSum', b.op('Mul', [each, factors]), [0], {
    keepdims: 0
  });
}

function scatteredWeights(
  b: GraphBuilder,
  x: string,
  { selected, weights }: Routing,
  count: number
): string {
  const tokens = b.op('Gather', [b.op('Shape', [x]), b.ints([0])]);
  const zeros = b.op('ConstantOfShape', [
    b.op('Concat', [tokens, b.ints([count])], { axis: 0 })
  ]);
  return b.op('ScatterElements', [zeros, selected, weights], { axis: 1 });
}

function oneHotWeights(
  b: GraphBuilder,
  { selected, weights }: Routing,
  count: number
): string {
  const rows = b.op('OneHot', [selected, b.ints([count]), b.floats([0, 1])], {
    axis: -1
  });
  return b.over(
    'ReduceSum',
    b.op('Mul', [rows, b.over('Unsqueeze', weights, [-1])]),
    [1],
    { keepdims: 0 }
  );
}
