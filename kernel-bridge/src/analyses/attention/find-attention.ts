/**
 * Finds attention in a graph of plain operators by its structure: a softmax over products of two activations, whose
 * result weights a third activation along the softmax's axis. Names of nodes and tensors carry no meaning.
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

/** The graph's blocks, and the sizes of its tensors in probe runs. */
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
      report(node, 'the fused node does not output its probabilities');
      continue;
    }
    const normalised = readSoftmax(graph, node);
    const product = normalised && scoreProduct(graph, normalised.scores);
    // A router's product with its weights is not attention, and neither is a softmax over a non-token axis.
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

/** Matches a softmax: one node, or exponentials divided by their sum. */
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

/** @returns the attention, or why its form is unsupported; an empty text if nothing suggests attention */
function readAttention(
  known: Known,
  softmax: GraphNode,
  scores: GraphNode,
  axis: number
): Attention | string {
  const { graph, blocks, facts, probes } = known;
  const mixing = findMixing(known, softmax, axis);
  if (!mixing) {
    // A softmax over an axis other than tokens belongs to a router or a gate.
    return facts.has(softmax.outputs[0]) &&
      entriesBeyondTokens(
        facts.shape(softmax.outputs[0]),
        positive(axis, facts.rank(softmax.outputs[0])),
        probes
      ) === 0
      ? 'cannot identify the value tensor'
      : NO_ATTENTION;
  }
  const { node, chain, value, own } = mixing;
  const product = readProduct(node, ranksOf(facts, node));
  if (!product) {
    return `the product ${node.name || node.outputs[0]} has an unsupported form`;
  }
  const multiplied = chain[chain.length - 1];
  const keys = product.contracted[own];
  const emptyKeys = entriesBeyondTokens(facts.shape(multiplied), keys, probes);
  if (emptyKeys === undefined) {
    // An axis of the same size in every run holds experts or other parts of the model.
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
    return 'its heads cannot be told apart';
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
    return `the product ${scores.name || scores.outputs[0]} of queries and keys has an unsupported form`;
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
  /** Tensors that hold the probabilities, from the softmax to the operand of the product. */
  chain: string[];
  value: string;
  /** Index of the operand that holds the probabilities. */
  own: 0 | 1;
  /** Part of the softmax's output is sliced off (an attention sink). */
  cut: boolean;
}

/** Follows the softmax downstream to the product over its axis. */
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
    // The sliced-off entries are not tokens.
    chain = reader.op === 'Slice' ? [tensor] : [...chain, tensor];
    at = last ? facts.rank(tensor) - 1 : at;
    last = at === facts.rank(tensor) - 1;
  }
  return undefined;
}

const MAX_STEPS = 12;
/** Consumers that read the probabilities but do not pass them on. */
const ASIDE = new Set(['Shape', 'Size', 'IsNaN', 'IsInf']);
/** Operators that keep the values, or replace only NaN and infinities. */
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

/** The first product with stored weights downstream, before the residual stream. */
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
