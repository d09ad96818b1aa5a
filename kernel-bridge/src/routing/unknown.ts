/**
 * Finds selections that look like a router's but match no pattern. They are reported and never guessed: a wrong weight
 * is worse than none.
 */
import { MAX_EXPERTS } from './convention';
import type { Stack } from '../base/protocol';
import { isExternal } from '../onnx/file/tensor';
import { attributeInt } from '../onnx/graph/attributes';
import type { Graph, GraphNode } from '../onnx/graph/graph';
import { passedOn, sameSource, sourceOf } from '../onnx/graph/no-ops';
import { walk } from '../onnx/graph/walk';
import { isFusedAttention } from './attention';
import { firstJoin, type Blocks } from './blocks';
import { reachesExperts } from './dispatch';
import { isWeightProduct } from './router-input';
import { scoreFunction } from './score-function';

export interface UnknownRouter {
  node: { index: number; name: string; op: string };
  /** What was recognised and what was not, as text. */
  why: string;
  /** The block that the node is in, where the graph has a residual stream to count blocks along. */
  place?: { layer: number; stack?: Stack };
}

/** One line for reports. */
export function describeUnknown({ node, why }: UnknownRouter): string {
  return `${node.op} ${node.name || `at node ${node.index}`}: ${why}`;
}

/** Operators that choose along an axis. */
const CHOICES = new Set(['TopK', 'ArgMax', 'ArgMin', 'Hardmax']);
const COMPARISONS = new Set([
  'Less',
  'LessOrEqual',
  'Greater',
  'GreaterOrEqual'
]);
/** Of another domain than ONNX's: an operator that says that it routes. */
const ROUTES =
  /\.\w*(MoE|MixtureOfExperts|Router|Routing|Gating|TopK|Experts?)\w*$/i;
/** Operators over which a choice is not followed to a product: what they compute is more than a score of experts. */
const MIXES = new Set([
  'If',
  'Loop',
  'Scan',
  'LSTM',
  'GRU',
  'RNN',
  'Attention'
]);
const ACTIVATION_PRODUCTS = new Set([
  'MatMul',
  'Gemm',
  'Einsum',
  'Conv',
  'com.microsoft.FusedMatMul'
]);
/** Measured: with and without the attribute, the operator returns the same on a CPU. */
const SPARSE_MIXER =
  'its use_sparse_mixer asks for SparseMixer, which onnxruntime computes on GPUs only; its CPU kernel ignores it, so what runs here is not the routing of the model';
const MAX_SCORE_NODES = 120;

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
    if (ROUTES.test(node.op)) {
      // A fused op that routes needs no product to be one.
      if (/\.Q?MoE$/.test(node.op) || weightsExperts(graph, blocks, node)) {
        unknown.push(
          report(
            graph,
            blocks,
            node,
            attributeInt(node.proto, 'use_sparse_mixer') === 1
              ? SPARSE_MIXER
              : 'its attributes or inputs are not recognised'
          )
        );
      }
      continue;
    }
    const scores = scoresOf(graph, node);
    const product =
      scores === undefined
        ? undefined
        : scoreProduct(graph, scores, COMPARISONS.has(node.op));
    if (
      product &&
      !reported.has(product.index) &&
      weightsExperts(graph, blocks, node)
    ) {
      reported.add(product.index);
      unknown.push(
        report(
          graph,
          blocks,
          node,
          `it chooses by scores of the product ${product.name || `at node ${product.index}`} in a way that no pattern describes`
        )
      );
    }
  }
  return unknown;
}

/** What a node chooses by; undefined for a node that chooses nothing. */
function scoresOf(graph: Graph, node: GraphNode): string | undefined {
  const { op, inputs } = node;
  if (CHOICES.has(op)) {
    return inputs[0];
  }
  if (COMPARISONS.has(op)) {
    return inputs.find(
      input => input !== '' && graph.constantScalar(input) === undefined
    );
  }
  // Those that equal the largest.
  return op === 'Equal'
    ? inputs.find(input =>
        inputs.some(other => {
          const { node: best } = sourceOf(graph, other);
          return (
            /^Reduce(Max|Min)$/.test(best?.op ?? '') &&
            sameSource(graph, best!.inputs[0], input)
          );
        })
      )
    : undefined;
}

function report(
  graph: Graph,
  blocks: Blocks,
  node: GraphNode,
  why: string
): UnknownRouter {
  const { index, name, op } = node;
  // The inputs of an operator that routes are weights.
  const external = ROUTES.test(op) ? undefined : externalConstant(graph, node);
  return {
    node: { index, name, op },
    why:
      external === undefined
        ? why
        : `the constant ${external} that says how it chooses is stored as external data`,
    ...placeOf(graph, blocks, node)
  };
}

/** The block whose output is the first that a node reaches. */
export function placeOf(
  graph: Graph,
  blocks: Blocks,
  node: GraphNode
): Pick<UnknownRouter, 'place'> {
  const join = firstJoin(graph, blocks, node.outputs);
  return join
    ? {
        place: {
          layer: join.layer,
          ...(join.stack ? { stack: join.stack } : {})
        }
      }
    : {};
}

/** A small input of a node (a k, axes) whose values are in another file. */
function externalConstant(
  graph: Graph,
  { inputs }: GraphNode
): string | undefined {
  return inputs.find(input => {
    const stored = graph.constantTensor(input);
    return stored !== undefined && isExternal(stored);
  });
}

/**
 * The weight product that scores are computed from; undefined when they also depend on products of activations.
 * @param normalised accepts probabilities only, since activation functions compare products with constants too
 */
function scoreProduct(
  graph: Graph,
  scores: string,
  normalised: boolean
): GraphNode | undefined {
  let product: GraphNode | undefined;
  let scored = !normalised || scoreFunction(graph, scores) !== undefined;
  let computed = 0;
  for (const {
    tensor,
    nodes: [node]
  } of walk(graph, [scores], {
    direction: 'upstream',
    through: (above, from) =>
      !graph.isConstant(from) &&
      !isWeightProduct(graph, above) &&
      valuesOf(graph, above)
  })) {
    if (graph.isConstant(tensor) || !node) {
      continue;
    }
    if (++computed > MAX_SCORE_NODES) {
      return undefined;
    }
    if (isWeightProduct(graph, node)) {
      product ??= node;
    } else if (
      MIXES.has(node.op) ||
      ACTIVATION_PRODUCTS.has(node.op) ||
      isFusedAttention(node)
    ) {
      return undefined;
    } else {
      scored ||= node.op === 'Softmax' || node.op === 'Sigmoid';
    }
  }
  return scored && product && widthOf(graph, product) <= MAX_EXPERTS
    ? product
    : undefined;
}

/** The inputs that a node's values come from: not those that hold a shape, axes or a k. */
function valuesOf(graph: Graph, node: GraphNode): readonly string[] | boolean {
  const same = passedOn(graph, node);
  return same !== undefined
    ? [same]
    : SHAPES.has(node.op)
      ? false
      : FIRST_ONLY.test(node.op)
        ? node.inputs.slice(0, 1)
        : true;
}

const FIRST_ONLY = /^(Reduce\w+|Expand|Clip|Slice|Split|TopK|Tile|Pad|CumSum)$/;
const SHAPES = new Set(['Shape', 'Size', 'ConstantOfShape']);

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
