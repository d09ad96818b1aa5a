/**
 * Finds attention in a graph of plain operators, by structure: a softmax over products of two activations, whose result
 * mixes a third over the axis that the softmax ran over. Names carry no meaning.
 */
import { attributeInt } from '../../onnx/graph/attributes';
import type { Graph, GraphNode } from '../../onnx/graph/graph';
import type { TensorFacts } from '../../run/gradients/tensor-facts';
import { isFusedAttention, scoreProduct } from '../../routing/attention';
import { findBlocks, firstJoin, type Blocks } from '../../routing/blocks';
import type {
  Attention,
  AttentionTensor,
  FoundAttention,
  UnknownAttention
} from './attention';
import { entriesBeyondTokens, type Probes } from './axes';
import {
  mixedLayout,
  operandLayout,
  probabilitiesLayout,
  valueLayout,
  type Sizes
} from './layouts';
import { readProduct } from './product';
import {
  isProjection,
  keyValueHeads,
  projectedTensors,
  withBias
} from './projections';

/** What is known of the graph: its blocks, and the sizes of its tensors in probe runs. */
interface Known extends Sizes {
  blocks: Blocks;
}

/**
 * @param facts sizes of the graph's tensors in runs of the sizes `probes`
 */
export function findAttention(
  graph: Graph,
  facts: TensorFacts,
  probes: Probes
): FoundAttention {
  const blocks = findBlocks(graph);
  const known: Known = { graph, blocks, facts, probes };
  const attention: Attention[] = [];
  const unknown: UnknownAttention[] = [];
  const report = (node: GraphNode, why: string): void => {
    const join = firstJoin(graph, blocks, node.outputs);
    unknown.push({
      node: node.name || node.outputs[0],
      op: node.op,
      ...(join ? { layer: join.layer } : {}),
      ...(join?.stack ? { stack: join.stack } : {}),
      why
    });
  };
  for (const node of graph.nodes) {
    if (isFusedAttention(node)) {
      report(node, 'its probabilities stay inside the node');
      continue;
    }
    const normalised = readSoftmax(graph, node);
    const product = normalised && scoreProduct(graph, normalised.scores);
    // Of a product with the weights of a router, or over anything that is no token, no attention comes.
    if (!normalised || !product || !ofActivations(known, product)) {
      continue;
    }
    const found = readAttention(known, node, product, normalised.axis);
    if (typeof found !== 'string') {
      attention.push(found);
    } else if (found !== NO_ATTENTION) {
      report(node, found);
    }
  }
  return { attention, unknown };
}

const NO_ATTENTION = '';

/** A softmax, in one node or written out: exponentials divided by their sum. */
function readSoftmax(
  graph: Graph,
  node: GraphNode
): { scores: string; axis: number } | undefined {
  if (node.op === 'Softmax') {
    return {
      scores: node.inputs[0],
      axis: attributeInt(node.proto, 'axis') ?? -1
    };
  }
  const [raised, sum] =
    node.op === 'Div' ? node.inputs.map(name => graph.producer(name)) : [];
  if (
    raised?.op !== 'Exp' ||
    sum?.op !== 'ReduceSum' ||
    sum.inputs[0] !== raised.outputs[0]
  ) {
    return undefined;
  }
  const axes = graph.constantValues(sum.inputs[1] ?? '');
  return axes?.length === 1
    ? { scores: raised.inputs[0], axis: axes[0] }
    : undefined;
}

function ofActivations({ blocks }: Known, product: GraphNode): boolean {
  return product.inputs
    .slice(0, 2)
    .every(name => blocks.place(name) !== undefined);
}

/** @returns why it is none that is known; an empty text where nothing hints at attention */
function readAttention(
  known: Known,
  softmax: GraphNode,
  scores: GraphNode,
  axis: number
): Attention | string {
  const { graph, blocks, facts, probes } = known;
  const mixing = findMixing(known, softmax, axis);
  if (!mixing) {
    // A softmax over something else than tokens is a router or a gate.
    return facts.has(softmax.outputs[0]) &&
      entriesBeyondTokens(
        facts.shape(softmax.outputs[0]),
        positive(axis, facts.rank(softmax.outputs[0])),
        probes
      ) === 0
      ? 'what its probabilities multiply is not told'
      : NO_ATTENTION;
  }
  const { node, chain, value, own } = mixing;
  const product = readProduct(node, ranksOf(facts, node));
  if (!product) {
    return `the product ${node.name || node.outputs[0]} has a form that is not known`;
  }
  const multiplied = chain[chain.length - 1];
  const keys = product.contracted[own];
  const emptyKeys = entriesBeyondTokens(facts.shape(multiplied), keys, probes);
  if (emptyKeys === undefined) {
    // As many in every run: experts, or other parts of the model.
    return facts.fixedAxis(multiplied, keys) === undefined
      ? 'its keys are not the tokens'
      : NO_ATTENTION;
  }
  const weights = probabilitiesLayout(known, chain, keys);
  if (!weights) {
    return 'its queries are not the tokens';
  }
  const widths = facts
    .shape(value)[0]
    .map((_, i) => i)
    .filter(
      i =>
        i !== product.contracted[1 - own] &&
        !product.becomes[own].includes(product.becomes[1 - own][i])
    );
  const width =
    widths.length === 1 ? facts.fixedAxis(value, widths[0]) : undefined;
  const heads = mixedLayout(known, node, product.becomes[1 - own][widths[0]]!);
  const values = valueLayout(
    known,
    value,
    product.contracted[1 - own],
    widths[0]
  );
  if (
    width === undefined ||
    !heads ||
    !values ||
    weights.heads !== heads.heads
  ) {
    return 'its heads are not told apart';
  }
  const mixed = heads.tensor;
  const form = readProduct(scores, ranksOf(facts, scores));
  const query = form && operandLayout(known, scores, form, 0);
  const key = form && operandLayout(known, scores, form, 1);
  const join = firstJoin(graph, blocks, node.outputs);
  if (!join) {
    return 'it is not added to the residual stream';
  }
  if (!query || !key) {
    return `the product ${scores.name || scores.outputs[0]} of queries and keys has a form that is not known`;
  }
  const output = outputProjection(known, node, join.node);
  const strip = ({ tensor, axes }: AttentionTensor): AttentionTensor => ({
    tensor,
    axes
  });
  return {
    layer: join.layer,
    ...(join.stack ? { stack: join.stack } : {}),
    kind: blocks.stackOf(value) === blocks.stackOf(mixed) ? 'self' : 'cross',
    heads: weights.heads,
    keyValueHeads: Math.min(
      weights.heads,
      keyValueHeads(graph, blocks, facts, probes, value, width)
    ),
    width,
    sinks: mixing.cut,
    probabilities: strip(weights),
    emptyKeys,
    mixed: strip(heads),
    value: strip(values),
    query: strip(query),
    key: strip(key),
    projected: projectedTensors(graph, blocks, {
      query: query.tensor,
      key: key.tensor,
      value
    }),
    ...(output === undefined ? {} : { output }),
    join: join.node.index
  };
}

interface Mixing {
  /** The product of probabilities and values. */
  node: GraphNode;
  /** Tensors that hold the probabilities, the one that is multiplied last. */
  chain: string[];
  value: string;
  /** Which operand the probabilities are. */
  own: 0 | 1;
  /** Some of what the softmax shared out is cut off. */
  cut: boolean;
}

/** From the softmax down to the product over the axis that it ran over. */
function findMixing(
  { graph, blocks, facts }: Known,
  softmax: GraphNode,
  axis: number
): Mixing | undefined {
  let tensor = softmax.outputs[0];
  let chain = [tensor];
  let cut = false;
  let last = facts.has(tensor)
    ? positive(axis, facts.rank(tensor)) === facts.rank(tensor) - 1
    : axis === -1;
  let at = positive(axis, facts.has(tensor) ? facts.rank(tensor) : 0);
  for (let step = 0; step < MAX_STEPS; step++) {
    const readers = graph.consumers(tensor).filter(({ op }) => !ASIDE.has(op));
    const products = readers.filter(node => {
      const own = node.inputs.indexOf(tensor);
      const other = node.inputs[1 - own];
      if (own > 1 || other === undefined || graph.isConstant(other)) {
        return false;
      }
      const form =
        facts.has(tensor) && facts.has(other)
          ? readProduct(node, ranksOf(facts, node))
          : undefined;
      return form?.contracted[own] === (last ? facts.rank(tensor) - 1 : at);
    });
    if (products.length === 1) {
      const [node] = products;
      const own = node.inputs[0] === tensor ? 0 : 1;
      const value = node.inputs[1 - own];
      return blocks.place(value) && node.inputs[0] !== node.inputs[1]
        ? { node, chain, value, own, cut }
        : undefined;
    }
    if (readers.length !== 1 || !HANDS_ON.has(readers[0].op)) {
      return undefined;
    }
    const [reader] = readers;
    if (reader.op === 'Slice') {
      cut = true;
    }
    if (MOVES_AXES.has(reader.op) && !last) {
      return undefined;
    }
    [tensor] = reader.outputs;
    if (!facts.has(tensor)) {
      return undefined;
    }
    // What is cut off were no tokens.
    chain = reader.op === 'Slice' ? [tensor] : [...chain, tensor];
    at = last ? facts.rank(tensor) - 1 : at;
    last = at === facts.rank(tensor) - 1;
  }
  return undefined;
}

const MAX_STEPS = 12;
/** What looks at probabilities without handing them on. */
const ASIDE = new Set(['Shape', 'Size', 'IsNaN', 'IsInf']);
/** These leave the values as they are, or replace those that are none. */
const HANDS_ON = new Set([
  'Identity',
  'Cast',
  'CastLike',
  'Dropout',
  'Where',
  'Slice',
  'Reshape',
  'Squeeze',
  'Unsqueeze'
]);
const MOVES_AXES = new Set(['Reshape', 'Squeeze', 'Unsqueeze']);

/** The first product with stored weights on the way to the residual stream. */
function outputProjection(
  { graph, blocks }: Known,
  from: GraphNode,
  join: GraphNode
): string | undefined {
  const reached = new Set<string>(from.outputs);
  for (const node of graph.nodes.slice(from.index + 1, join.index)) {
    if (node.op === 'Shape' || !node.inputs.some(name => reached.has(name))) {
      continue;
    }
    if (isProjection(graph, blocks, node)) {
      return withBias(graph, node.outputs[0]);
    }
    node.outputs.forEach(output => reached.add(output));
  }
  return undefined;
}

function ranksOf(facts: TensorFacts, node: GraphNode): [number, number] {
  const [a, b] = node.inputs
    .slice(0, 2)
    .map(name => (facts.has(name) ? facts.rank(name) : 0));
  return [a, b];
}

function positive(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}
