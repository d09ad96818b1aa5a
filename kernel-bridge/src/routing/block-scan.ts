/**
 * Scans the nodes between a router's choice and the residual stream: where the experts' output joins the stream, how
 * many shared experts there are, whether the experts are part of attention, and whether weights multiply their input.
 *
 * It visits what depends on the choice, up to the join or the next router, and looks upstream from there: so a router
 * costs as much as its own block, however long the graph is.
 */
import type { Graph, GraphNode } from '../onnx/graph/graph';
import { sourceOf } from '../onnx/graph/no-ops';
import { nodesUpstream } from '../onnx/graph/walk';
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
/** Routers that may lie between a router and the join of its own block: those of experts that route again. */
const MAX_NESTED = 4;

/** What the scans of a graph's routers share. */
export interface ScannedGraph {
  graph: Graph;
  blocks: Blocks;
  /** Indices of the nodes that compute the logits of the graph's routers. */
  products: ReadonlySet<number>;
  /** By the input of routers: several may have the same. */
  paths: Map<string, InputPaths>;
}

export function scanBlock(
  scanned: ScannedGraph,
  match: RouterMatch
): BlockScan {
  const { graph, blocks, products } = scanned;
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
  const paths =
    scanned.paths.get(input.tensor) ?? new InputPaths(scanned, input.tensor);
  scanned.paths.set(input.tensor, paths);
  const weighting = new WeightsUse(match, paths);
  const routed = new Routed(graph, choiceOf(graph, match));
  let layer: number | undefined;
  let nested = 0;
  for (const node of routed.nodes()) {
    const block = blocks.blockOfJoin(node.index);
    if (layer !== undefined && block && block.layer !== layer) {
      break;
    }
    if (scan.join === undefined) {
      nested += products.has(node.index) ? 1 : 0;
      if (nested > (blocks.hasStream ? MAX_NESTED : 0)) {
        break;
      }
      scan.inAttention ||= isAttention(graph, node);
    }
    if (SUMS.has(node.op)) {
      const others = node.inputs.filter(
        name => name !== '' && !routed.has(name) && !graph.isConstant(name)
      );
      if (others.some(name => paths.to(name)?.expert)) {
        scan.sharedExperts++;
      }
      if (block && scan.join === undefined) {
        // Goes on, since shared experts may be added after the routed ones.
        scan.join = node.index;
        layer = block.layer;
      } else if (
        !blocks.hasStream &&
        others.some(
          name =>
            !paths.to(name)?.expert &&
            (!paths.to(name) || sourceOf(graph, name).tensor === input.tensor)
        )
      ) {
        break;
      }
    }
    if (scan.join === undefined) {
      weighting.see(node);
    }
  }
  return { ...scan, weightsInput: weighting.ofInput };
}

/** The tensors that hold a router's choice. */
function choiceOf(graph: Graph, { tensors, selectors }: RouterMatch): string[] {
  return [
    ...(tensors.selected ?? []),
    ...(tensors.weights ?? []),
    ...(tensors.denseWeights ? [tensors.denseWeights] : []),
    ...(tensors.selected === null
      ? graph.nodes[selectors[0].index].outputs
      : [])
  ];
}

/** What depends on a choice. */
class Routed {
  private readonly _tensors: Set<string>;
  private readonly _readers = new Set<number>();

  constructor(
    private readonly _graph: Graph,
    choice: readonly string[]
  ) {
    this._tensors = new Set(choice);
    choice.forEach(tensor => this._reach(tensor));
  }

  has(tensor: string): boolean {
    return this._tensors.has(tensor);
  }

  /** The nodes that read it, in graph order; a node's outputs depend on it when the next one is asked for. */
  *nodes(): Generator<GraphNode, void, undefined> {
    const { nodes } = this._graph;
    for (let i = Math.min(...this._readers); this._readers.size > 0; i++) {
      if (this._readers.delete(i)) {
        yield nodes[i];
        for (const output of nodes[i].outputs) {
          this._tensors.add(output);
          this._reach(output);
        }
      }
    }
  }

  private _reach(tensor: string): void {
    for (const { index, op } of this._graph.consumers(tensor)) {
      if (!SHAPE_ONLY.has(op)) {
        this._readers.add(index);
      }
    }
  }
}

/** How a tensor is computed from the router's input. */
interface Path {
  /** By a product of an expert: with a stored weight, and without mixing tokens. */
  expert: boolean;
  /** By any matrix product. */
  product: boolean;
}

/** The paths from the input of routers to other tensors, except through a router's own product. */
export class InputPaths {
  private readonly _paths: Map<string, Path>;
  private readonly _visited = new Set<GraphNode>();
  private readonly _first: number;

  constructor(
    private readonly _scanned: Omit<ScannedGraph, 'paths'>,
    input: string
  ) {
    this._paths = new Map([[input, { expert: false, product: false }]]);
    this._first = _scanned.graph.producer(input)?.index ?? -1;
  }

  /** Undefined for a tensor that is not computed from the input. */
  to(tensor: string): Path | undefined {
    const producer = this._scanned.graph.producer(tensor);
    if (!producer || this._visited.has(producer)) {
      return this._paths.get(tensor);
    }
    const between = nodesUpstream(
      this._scanned.graph,
      [tensor],
      node =>
        node.index > this._first &&
        !this._scanned.products.has(node.index) &&
        !SHAPE_ONLY.has(node.op) &&
        !this._visited.has(node)
    );
    between.forEach(node => this._visit(node));
    return this._paths.get(tensor);
  }

  private _visit(node: GraphNode): void {
    this._visited.add(node);
    const above = node.inputs.flatMap(name => this._paths.get(name) ?? []);
    if (above.length === 0) {
      return;
    }
    const { graph, blocks } = this._scanned;
    const weight = isWeightProduct(graph, node);
    for (const output of node.outputs) {
      this._paths.set(output, {
        expert:
          (weight || above.some(({ expert }) => expert)) &&
          !blocks.place(node.outputs[0])?.mixes,
        product:
          weight ||
          ACTIVATION_PRODUCTS.has(node.op) ||
          above.some(({ product }) => product)
      });
    }
  }
}

/** Finds out whether the router's weights multiply the experts' input or their output. */
class WeightsUse {
  /** The first Mul of weights and activations comes before any matrix product of an expert. */
  ofInput = false;
  private _met = false;
  private readonly _weights: Set<string>;

  constructor(
    { tensors }: RouterMatch,
    private readonly _paths: InputPaths
  ) {
    this._weights = new Set([
      ...(tensors.weights ?? []),
      ...(tensors.denseWeights ? [tensors.denseWeights] : [])
    ]);
  }

  see(node: GraphNode): void {
    if (this._met || !node.inputs.some(name => this._weights.has(name))) {
      return;
    }
    const carriers = node.inputs.flatMap(name => this._paths.to(name) ?? []);
    if (carriers.length === 0) {
      node.outputs.forEach(name => this._weights.add(name));
    } else if (node.op === 'Mul') {
      this._met = true;
      this.ofInput = !carriers.some(({ product }) => product);
    }
  }
}
