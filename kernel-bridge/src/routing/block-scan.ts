/**
 * Scans the nodes between a router's choice and the residual stream: where the experts' output joins the stream, how
 * many shared experts there are, whether the experts are part of attention, and whether weights multiply their input.
 */
import type { Graph, GraphNode } from '../onnx/graph/graph';
import { sourceOf } from '../onnx/graph/no-ops';
import { isAttention } from './attention';
import type { Blocks } from './blocks';
import type { RouterMatch } from './convention';
import { isWeightProduct, productInput, routerProduct } from './router-input';

export interface BlockScan {
  /** MLPs that every token passes through, besides the routed experts. */
  sharedExperts: number;
  /** The experts are attention's own projections (mixture-of-attention), not an MLP. */
  inAttention: boolean;
  /** The router's weights multiply the experts' input. */
  weightsInput: boolean;
  /** Index of the node that adds the experts' output to the residual stream. */
  join?: number;
}

const SUMS = new Set([
  'Add',
  'Sum',
  'com.microsoft.SkipLayerNormalization',
  'com.microsoft.SkipSimplifiedLayerNormalization'
]);
/** Operators that read only the shape of a tensor, so that their results do not depend on its values. */
const SHAPE_ONLY = new Set(['Shape', 'Size']);
const ACTIVATION_PRODUCTS = new Set([
  'MatMul',
  'Gemm',
  'Einsum',
  'com.microsoft.FusedMatMul'
]);

export function scanBlock(
  graph: Graph,
  blocks: Blocks,
  match: RouterMatch
): BlockScan {
  const product = routerProduct(graph, match.tensors.logits);
  const input = product && sourceOf(graph, productInput(graph, product));
  const scan: BlockScan = {
    sharedExperts: 0,
    inAttention: false,
    weightsInput: false
  };
  if (!product || !input) {
    return scan;
  }
  const weighting = new WeightsUse(graph, match, product, input.tensor);
  // Tensors that depend on the choice; tensors that depend on the router's input, but not on the choice.
  const routed = choiceOf(graph, match);
  const beside = new Set<string>([input.tensor]);
  const besideExpert = new Set<string>();
  const start = graph.producer(input.tensor)?.index ?? 0;
  let layer: number | undefined;
  for (let i = start; i < graph.nodes.length; i++) {
    const node = graph.nodes[i];
    const block = blocks.blockOfJoin(i);
    if (layer !== undefined && block && block.layer !== layer) {
      break;
    }
    if (SHAPE_ONLY.has(node.op)) {
      continue;
    }
    const isRouted = node.inputs.some(name => routed.has(name));
    if (isRouted && scan.join === undefined && isAttention(graph, node)) {
      scan.inAttention = true;
    }
    if (isRouted && SUMS.has(node.op)) {
      const others = node.inputs.filter(
        name => name !== '' && !routed.has(name) && !graph.isConstant(name)
      );
      if (others.some(name => besideExpert.has(name))) {
        scan.sharedExperts++;
      }
      if (block && scan.join === undefined) {
        // Goes on, since shared experts may be added after the routed ones.
        scan.join = i;
        layer = block.layer;
      } else if (
        !blocks.hasStream &&
        others.some(
          name =>
            !besideExpert.has(name) &&
            (!beside.has(name) || sourceOf(graph, name).tensor === input.tensor)
        )
      ) {
        break;
      }
    }
    if (scan.join === undefined) {
      weighting.see(node);
    }
    if (isRouted) {
      node.outputs.forEach(name => routed.add(name));
    } else if (node.inputs.some(name => beside.has(name))) {
      const expert =
        !blocks.place(node.outputs[0])?.mixes &&
        (node.inputs.some(name => besideExpert.has(name)) ||
          (node !== product && isWeightProduct(graph, node)));
      for (const name of node.outputs) {
        beside.add(name);
        if (expert) {
          besideExpert.add(name);
        }
      }
    }
  }
  return { ...scan, weightsInput: weighting.ofInput };
}

/** The tensors that hold a router's choice. */
function choiceOf(graph: Graph, { tensors, selectors }: RouterMatch) {
  return new Set<string>([
    ...(tensors.selected ?? []),
    ...(tensors.weights ?? []),
    ...(tensors.denseWeights ? [tensors.denseWeights] : []),
    ...(tensors.selected === null
      ? graph.nodes[selectors[0].index].outputs
      : [])
  ]);
}

/** Finds out whether the router's weights multiply the experts' input or their output. */
class WeightsUse {
  /** The first Mul of weights and activations comes before any matrix product of an expert. */
  ofInput = false;
  private _met = false;
  private readonly _weights: Set<string>;
  /** Tensors that depend on the router's input, and those of them that an expert's matrix product computed. */
  private readonly _carries: Set<string>;
  private readonly _computed = new Set<string>();

  constructor(
    private readonly _graph: Graph,
    { tensors }: RouterMatch,
    private readonly _product: GraphNode,
    input: string
  ) {
    this._weights = new Set([
      ...(tensors.weights ?? []),
      ...(tensors.denseWeights ? [tensors.denseWeights] : [])
    ]);
    this._carries = new Set([input]);
  }

  see(node: GraphNode): void {
    if (node === this._product) {
      return;
    }
    const weights = node.inputs.some(name => this._weights.has(name));
    const carrier = node.inputs.filter(name => this._carries.has(name));
    if (weights && carrier.length > 0) {
      if (!this._met && node.op === 'Mul') {
        this._met = true;
        this.ofInput = !carrier.some(name => this._computed.has(name));
      }
    } else if (weights) {
      node.outputs.forEach(name => this._weights.add(name));
    }
    if (carrier.length > 0) {
      const computed =
        carrier.some(name => this._computed.has(name)) ||
        ACTIVATION_PRODUCTS.has(node.op) ||
        isWeightProduct(this._graph, node);
      for (const name of node.outputs) {
        this._carries.add(name);
        if (computed) {
          this._computed.add(name);
        }
      }
    }
  }
}
