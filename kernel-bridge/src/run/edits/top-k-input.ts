/**
 * Makes a router's k an input. Exporters write k as a constant into shapes on the way to the experts (a token repeated k
 * times, k results laid out side by side); these shapes are identified by the meaning of their dimensions, and updated.
 */
import { attributeInt } from '../../onnx/graph/attributes';
import type { Graph, GraphNode } from '../../onnx/graph/graph';
import { passedOn } from '../../onnx/graph/no-ops';
import type { Blocks } from '../../routing/blocks';
import type { Router } from '../../routing/convention';
import { lastDim } from '../../routing/router-input';
import type { Slot } from './slots';
import type { GraphRewriter } from './graph-rewriter';

const SHAPE_ONLY = new Set(['Shape', 'Size']);
const MAX_VIEWS = 8;

export function makeTopKInput(
  rewriter: GraphRewriter,
  { tensors, topK, selectors, experts, convention }: Router,
  index: number,
  blocks: Blocks
): Slot {
  const { graph } = rewriter;
  const node = graph.nodes[selectors[0].index];
  if (
    selectors.length > 1 ||
    node.op !== 'TopK' ||
    !isIndexOf(graph, tensors.selected?.[0], node) ||
    graph.constantScalar(node.inputs[1]) !== topK
  ) {
    return {
      refused: `its ${[...new Set(selectors.map(({ op }) => op))].join(', ')} has no input for k`
    };
  }
  if (convention.sharedScores !== undefined) {
    return {
      refused: 'its graph scores the chosen k side by side with shared experts'
    };
  }
  const dense = tensors.weights === null;
  const region = dense
    ? { nodes: [] as GraphNode[], made: new Set<string>(node.outputs) }
    : follow(graph, node, blocks);
  if (region === undefined) {
    return { refused: 'its outputs do not join a residual stream' };
  }
  if (!dense && topK === 1) {
    return { refused: 'its graph is specialised to one expert per token' };
  }
  const changes = dense ? [] : shapesWithK(graph, region, topK, experts);
  if (typeof changes === 'string') {
    return { refused: changes };
  }
  const input = rewriter.input(`${index}/k`, 'int64', [1]);
  rewriter.redirect(node, node.inputs[1], input);
  for (const { node: shaped, shape, axis } of changes) {
    const parts = [
      ...(axis > 0 ? [rewriter.ints(...shape.slice(0, axis))] : []),
      input,
      ...(axis + 1 < shape.length
        ? [rewriter.ints(...shape.slice(axis + 1))]
        : [])
    ];
    rewriter.redirect(
      shaped,
      shaped.inputs[1],
      rewriter.add('Concat', parts, { axis: 0 })
    );
    shaped.outputs.forEach(output => rewriter.dropShape(output));
  }
  for (const tensor of region.made) {
    rewriter.dropShape(tensor);
  }
  return { input };
}

/** The indices of a TopK, possibly counted from the other end. */
function isIndexOf(
  graph: Graph,
  selected: string | undefined,
  { outputs }: GraphNode
): boolean {
  const above = selected === undefined ? undefined : graph.producer(selected);
  return (
    selected === outputs[1] ||
    (above?.op === 'Sub' &&
      above.inputs[1] === outputs[1] &&
      graph.isConstant(above.inputs[0]))
  );
}

interface Region {
  nodes: GraphNode[];
  made: Set<string>;
}

/** Nodes downstream of the selection until the residual stream; undefined if it never joins. */
function follow(
  graph: Graph,
  selector: GraphNode,
  blocks: Blocks
): Region | undefined {
  const made = new Set<string>(selector.outputs);
  const nodes: GraphNode[] = [];
  let joined = false;
  for (let i = selector.index + 1; i < graph.nodes.length; i++) {
    const node = graph.nodes[i];
    if (
      SHAPE_ONLY.has(node.op) ||
      !node.inputs.some(input => made.has(input))
    ) {
      continue;
    }
    if (blocks.blockOfJoin(i)) {
      joined = true;
      continue;
    }
    nodes.push(node);
    node.outputs.forEach(output => made.add(output));
  }
  return joined ? { nodes, made } : undefined;
}

interface ShapeChange {
  node: GraphNode;
  shape: number[];
  axis: number;
}

/** @returns the shapes that contain k; or why they are ambiguous */
function shapesWithK(
  graph: Graph,
  { nodes, made }: Region,
  k: number,
  experts: number
): ShapeChange[] | string {
  const changes = new Map<GraphNode, ShapeChange>();
  for (const node of nodes) {
    if (takesSlotsApart(graph, node, made, k)) {
      return `its graph splits the ${k} slots`;
    }
    if (node.op === 'Reshape' && made.has(node.inputs[0])) {
      const shape = graph.constantValues(node.inputs[1]);
      const axis = shape && axisOfK(graph, node, shape, k);
      if (axis === 'unclear') {
        return `a shape of its graph has a ${k} that may or may not be its k`;
      }
      if (shape && axis !== undefined) {
        changes.set(node, { node, shape, axis });
      }
    }
    // An operand combined with the k slots of a token must be repeated k times too.
    for (const input of node.inputs) {
      const repeated =
        input === '' || made.has(input) || graph.isConstant(input)
          ? undefined
          : repetition(graph, input, k, experts);
      if (repeated) {
        changes.set(repeated.node, repeated);
      }
    }
  }
  return [...changes.values()];
}

/** The axis of [-1, k, ...rest] that separates slots, where an input of [tokens * k, ...rest] is reshaped. */
function axisOfK(
  graph: Graph,
  { inputs, outputs }: GraphNode,
  shape: readonly number[],
  k: number
): number | undefined | 'unclear' {
  const axes = [...shape.keys()].filter(axis => shape[axis] === k);
  if (axes.length === 0) {
    return undefined;
  }
  const width = graph.shape(inputs[0])?.at(-1) ?? lastDim(graph, inputs[0]);
  if (shape[0] === -1 && shape[1] === k && shape.length > 2) {
    if (shape.at(-1) === width) {
      return 1;
    }
    if (width !== undefined) {
      return width === product(shape.slice(1)) ? undefined : 'unclear';
    }
    // Results of the slots are summed.
    return graph
      .consumers(outputs[0])
      .every(
        ({ op, inputs: [, axes] }) =>
          op === 'ReduceSum' && graph.constantScalar(axes ?? '') === 1
      )
      ? 1
      : 'unclear';
  }
  if (shape.length === 2 && shape[0] === -1 && width === undefined) {
    return 'unclear';
  }
  if (shape.length === 2 && shape[0] === -1 && shape[1] === k) {
    // [tokens, k] again, or a list of k per token.
    return width === k || width === 1 ? 1 : undefined;
  }
  // The last axis, or one that existed before, keeps its size.
  return shape.at(-1) === width || product(shape.slice(1)) === width
    ? undefined
    : 'unclear';
}

/** An Expand or Tile of one row to k, at or upstream of a tensor. */
function repetition(
  graph: Graph,
  tensor: string,
  k: number,
  experts: number
): ShapeChange | undefined {
  let node = graph.producer(tensor);
  for (let step = 0; step < MAX_VIEWS && node; step++) {
    if (node.op === 'Expand' || node.op === 'Tile') {
      const { op, inputs } = node;
      const shape = graph.constantValues(inputs[1]);
      const axis = shape?.findIndex(
        (n, i) => n === k && (op === 'Tile' || isOne(graph, inputs[0], i))
      );
      return shape && axis !== undefined && axis > 0 && k !== experts
        ? { node, shape, axis }
        : undefined;
    }
    // Tokens are gathered by repeated indices.
    const lookedUp = /^Gather/.test(node.op);
    const above = lookedUp
      ? node.inputs[1]
      : (passedOn(graph, node) ??
        (node.op === 'Transpose' ? node.inputs[0] : undefined));
    if (above === undefined) {
      return undefined;
    }
    node = graph.producer(above);
  }
  return undefined;
}

/** True for an axis of size one: declared, or inserted by Unsqueeze. */
function isOne(graph: Graph, tensor: string, axis: number): boolean {
  const shape = graph.shape(tensor);
  const node = graph.producer(tensor);
  return shape
    ? shape[axis] === 1
    : node?.op === 'Unsqueeze' &&
        graph.constantScalar(node.inputs[1] ?? '') === axis;
}

/** A Split, a Slice or a Gather along the slot axis. */
function takesSlotsApart(
  graph: Graph,
  node: GraphNode,
  made: ReadonlySet<string>,
  k: number
): boolean {
  if (!['Split', 'Slice', 'Gather'].includes(node.op)) {
    return false;
  }
  const shape = graph.shape(node.inputs[0]);
  if (!shape || !made.has(node.inputs[0])) {
    return false;
  }
  const axis =
    node.op === 'Slice'
      ? (graph.constantValues(node.inputs[3] ?? '')?.[0] ?? 0)
      : (attributeInt(node.proto, 'axis') ?? 0);
  return shape.at(axis) === k && shape.length <= 3;
}

function product(values: readonly number[]): number {
  return values.reduce((all, n) => all * n, 1);
}
