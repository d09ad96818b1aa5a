/**
 * Finds selections that look like a router's but match no pattern. They are reported and never guessed: a wrong weight
 * is worse than none.
 */
import type { Graph, GraphNode } from '../onnx/graph/graph';
import { walk } from '../onnx/graph/walk';
import type { Blocks } from './blocks';
import { reachesExperts } from './dispatch';
import { isWeightProduct } from './router-input';

export interface UnknownRouter {
  node: { index: number; name: string; op: string };
  /** What was recognised and what was not, as text. */
  why: string;
}

/** One line for reports. */
export function describeUnknown({ node, why }: UnknownRouter): string {
  return `${node.op} ${node.name || `at node ${node.index}`}: ${why}`;
}

const CHOICES = new Set(['TopK', 'ArgMax']);
const COMPARISONS = new Set([
  'Less',
  'LessOrEqual',
  'Greater',
  'GreaterOrEqual'
]);
const FUSED = new Set(['com.microsoft.MoE', 'com.microsoft.QMoE']);
/** Operators between a product and the comparison of its scores that keep one value an expert. */
const SCORE_STEPS = new Set([
  'Identity',
  'Cast',
  'Reshape',
  'Squeeze',
  'Unsqueeze',
  'Flatten',
  'Transpose',
  'Expand',
  'Add',
  'Sub',
  'Mul',
  'Div',
  'Neg',
  'Abs',
  'Exp',
  'Log',
  'Sqrt',
  'Pow',
  'Relu',
  'Tanh',
  'Sigmoid',
  'HardSigmoid',
  'Softplus',
  'Softmax',
  'LogSoftmax',
  'Where',
  'Min',
  'Max',
  'Clip',
  'ReduceSum',
  'ReduceMax',
  'ReduceLogSumExp',
  'DequantizeLinear',
  'QuantizeLinear',
  'ScatterElements'
]);
const MAX_SCORE_NODES = 60;
/** A wider product computes vocabulary logits, and not scores of experts. */
const MAX_EXPERTS = 16_384;

/**
 * @param known indices of the selecting nodes of recognised routers
 * @param products indices of the products that compute those routers' logits
 */
export function findUnknownRouters(
  graph: Graph,
  blocks: Blocks,
  known: ReadonlySet<number>,
  products: ReadonlySet<number>
): UnknownRouter[] {
  const unknown: UnknownRouter[] = [];
  const reported = new Set<number>(products);
  for (const node of graph.nodes) {
    if (known.has(node.index)) {
      continue;
    }
    if (FUSED.has(node.op)) {
      unknown.push(report(node, 'its attributes or inputs are not recognised'));
      continue;
    }
    const scores = CHOICES.has(node.op)
      ? node.inputs[0]
      : COMPARISONS.has(node.op)
        ? node.inputs.find(
            input => input !== '' && graph.constantScalar(input) === undefined
          )
        : undefined;
    if (scores === undefined) {
      continue;
    }
    const product = scoreProduct(graph, scores, !CHOICES.has(node.op));
    if (
      product &&
      !reported.has(product.index) &&
      weightsExperts(graph, blocks, node)
    ) {
      reported.add(product.index);
      unknown.push(
        report(
          node,
          `it chooses by scores of the product ${product.name || `at node ${product.index}`} in a way that no pattern describes`
        )
      );
    }
  }
  return unknown;
}

function report({ index, name, op }: GraphNode, why: string): UnknownRouter {
  return { node: { index, name, op }, why };
}

/**
 * The weight product that scores are computed from; undefined when they also depend on something else that varies.
 * @param normalised accepts probabilities only, since activation functions compare products with constants too
 */
function scoreProduct(
  graph: Graph,
  scores: string,
  normalised: boolean
): GraphNode | undefined {
  let product: GraphNode | undefined;
  let scored = !normalised;
  let computed = 0;
  for (const {
    tensor,
    nodes: [node]
  } of walk(graph, [scores], {
    direction: 'upstream',
    through: (above, from) =>
      SCORE_STEPS.has(above.op) &&
      !graph.isConstant(from) &&
      // Skips the inputs that hold a shape or axes.
      (KEEPS_VALUES.has(above.op) ? above.inputs.slice(0, 1) : above.inputs)
  })) {
    if (graph.isConstant(tensor)) {
      continue;
    }
    if (!node || ++computed > MAX_SCORE_NODES) {
      return undefined;
    }
    if (isWeightProduct(graph, node)) {
      product ??= node;
    } else if (SCORE_STEPS.has(node.op)) {
      scored ||= node.op === 'Softmax' || node.op === 'Sigmoid';
    } else if (!SHAPES.has(node.op)) {
      return undefined;
    }
  }
  return scored && product && widthOf(graph, product) <= MAX_EXPERTS
    ? product
    : undefined;
}

const KEEPS_VALUES = new Set([
  'Reshape',
  'Expand',
  'Unsqueeze',
  'Squeeze',
  'ReduceSum',
  'ReduceMax',
  'Clip'
]);
const SHAPES = new Set(['Shape', 'ConstantOfShape']);

function widthOf(graph: Graph, product: GraphNode): number {
  const dims = product.inputs
    .map(input => graph.weightOf(input)?.dims)
    .find(found => found !== undefined && found.length > 1);
  return dims ? Math.min(...dims) : 0;
}

/** True when the choice reaches the residual stream or, in a graph without one, a matrix product. */
function weightsExperts(
  graph: Graph,
  blocks: Blocks,
  node: GraphNode
): boolean {
  return blocks.hasStream
    ? blocks.reachesJoin(node)
    : reachesExperts(graph, node.outputs);
}
