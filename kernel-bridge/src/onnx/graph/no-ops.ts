/**
 * No-ops: nodes whose output has the values of an input, perhaps in another type, shape or place. Everything that
 * follows a tensor through a graph steps over them by these functions, so that this list is the only one.
 */
import { attributeInts } from './attributes';
import type { Graph, GraphNode } from './graph';
import { walk } from './walk';

/** Operators that always hand on their first input, in another type or shape. */
const ALWAYS = new Set([
  'Identity',
  'Cast',
  'CastLike',
  'Reshape',
  'Squeeze',
  'Unsqueeze',
  'Flatten',
  'MemcpyFromHost',
  'MemcpyToHost',
  'OptionalGetElement'
]);
/** Operators over any number of inputs that hand on a single one. */
const OF_ONE_INPUT = new Set(['Concat', 'Sum', 'Mean', 'Max', 'Min']);
/** The constant operand by which a binary operator changes nothing. */
const NEUTRAL: Record<string, number> = {
  Mul: 1,
  Div: 1,
  Pow: 1,
  Add: 0,
  Sub: 0
};
const COMMUTES = new Set(['Mul', 'Add']);
export const QUANTIZES: ReadonlySet<string> = new Set([
  'QuantizeLinear',
  'DynamicQuantizeLinear',
  'com.microsoft.QuantizeLinear'
]);
export const DEQUANTIZES: ReadonlySet<string> = new Set([
  'DequantizeLinear',
  'com.microsoft.DequantizeLinear'
]);
/** Operators that a pair of no-ops begins with: what the second undoes. */
const BEGINS_PAIR = new Set([...QUANTIZES, 'Transpose']);
/** Longest chain of no-ops; exporters write a few. */
const MAX_STEPS = 64;
/** Slices to the end of an axis write an end at least as large. */
const TO_THE_END = 2 ** 31 - 1;

/** The tensor that a node hands on as its first output; undefined when the node computes something. */
export function passedOn(graph: Graph, node: GraphNode): string | undefined {
  const [first] = node.inputs;
  if (ALWAYS.has(node.op)) {
    return first;
  }
  if (OF_ONE_INPUT.has(node.op)) {
    return node.inputs.length === 1 ? first : undefined;
  }
  if (node.op in NEUTRAL) {
    return besideNeutral(graph, node);
  }
  if (DEQUANTIZES.has(node.op)) {
    const above = sourceNode(graph, first);
    return above && QUANTIZES.has(above.op) ? above.inputs[0] : undefined;
  }
  const values = (input: number): number[] | undefined =>
    node.inputs[input] ? graph.constantValues(node.inputs[input]) : undefined;
  const all = (list: number[] | undefined, value: number): boolean =>
    list !== undefined && list.every(item => item === value);
  switch (node.op) {
    case 'Dropout':
      return values(2)?.[0] && values(1)?.[0] !== 0 ? undefined : first;
    case 'Transpose':
      return transposed(graph, node);
    case 'Clip':
      return node.inputs.slice(1).some(name => name !== '') ||
        node.proto.attribute.length > 0
        ? undefined
        : first;
    case 'Split':
      return node.outputs.length === 1 ? first : undefined;
    case 'Tile':
      return all(values(1), 1) ? first : undefined;
    case 'Expand':
      return all(values(1), 1) || sameShape(graph, first, node.outputs[0])
        ? first
        : undefined;
    case 'Pad':
      return all(values(1) ?? attributeInts(node.proto, 'pads'), 0)
        ? first
        : undefined;
    case 'Slice':
      return all(values(1), 0) &&
        (values(4) === undefined || all(values(4), 1)) &&
        values(2)?.every(end => end >= TO_THE_END)
        ? first
        : undefined;
    default:
      return undefined;
  }
}

/** The tensor that a tensor has its values from, over all no-ops, and its producer. */
export function sourceOf(
  graph: Graph,
  tensor: string
): { node: GraphNode | undefined; tensor: string } {
  let name = tensor;
  for (let step = 0; step < MAX_STEPS; step++) {
    const node = graph.producer(name);
    const next =
      node && name === node.outputs[0] ? passedOn(graph, node) : undefined;
    if (next === undefined) {
      return { node, tensor: name };
    }
    name = next;
  }
  return { node: graph.producer(name), tensor: name };
}

/** True when both tensors have their values from the same one. */
export function sameSource(graph: Graph, a: string, b: string): boolean {
  return sourceOf(graph, a).tensor === sourceOf(graph, b).tensor;
}

/** A tensor and all that have its values by no-ops, nearest first. */
export function viewsOf(graph: Graph, tensor: string): string[] {
  return [
    ...walk(graph, [tensor], {
      direction: 'downstream',
      maxDepth: MAX_VIEWS,
      through: (node, from) => handedOn(graph, node, from)
    })
  ].map(step => step.tensor);
}

const MAX_VIEWS = 12;

/** What a consumer of a tensor, or a pair of nodes that begins with it, hands on; empty when they compute something. */
export function handedOn(
  graph: Graph,
  node: GraphNode,
  tensor: string
): string[] {
  if (passedOn(graph, node) === tensor) {
    return node.outputs.slice(0, 1);
  }
  return BEGINS_PAIR.has(node.op) && node.inputs[0] === tensor
    ? graph
        .consumers(node.outputs[0])
        .filter(second => passedOn(graph, second) === tensor)
        .map(second => second.outputs[0])
    : [];
}

/** The node above a tensor, over no-ops that a quantised tensor passes. */
function sourceNode(graph: Graph, tensor: string): GraphNode | undefined {
  let node = graph.producer(tensor);
  for (let step = 0; step < MAX_STEPS && node && ALWAYS.has(node.op); step++) {
    node = graph.producer(node.inputs[0]);
  }
  return node;
}

function besideNeutral(
  graph: Graph,
  { op, inputs }: GraphNode
): string | undefined {
  const isNeutral = (input: string): boolean => {
    // A vector of them is a bias or a scale of experts that happens to be neutral: the structure says that it is there.
    const value = graph.constantScalar(input);
    return value !== undefined && value === NEUTRAL[op];
  };
  return isNeutral(inputs[1])
    ? inputs[0]
    : COMMUTES.has(op) && isNeutral(inputs[0])
      ? inputs[1]
      : undefined;
}

/** The input of a Transpose that moves nothing, or that undoes the one above it. */
function transposed(graph: Graph, node: GraphNode): string | undefined {
  const perm = attributeInts(node.proto, 'perm');
  if (perm?.every((axis, i) => axis === i)) {
    return node.inputs[0];
  }
  const above = graph.producer(node.inputs[0]);
  if (above?.op !== 'Transpose') {
    return undefined;
  }
  const other = attributeInts(above.proto, 'perm');
  const undone =
    perm && other
      ? perm.length === other.length &&
        perm.every((axis, i) => other[axis] === i)
      : // The default perm reverses all axes, and reversed twice they are as before.
        perm === other;
  return undone ? above.inputs[0] : undefined;
}

function sameShape(graph: Graph, a: string, b: string): boolean {
  const [one, two] = [graph.shape(a), graph.shape(b)];
  return (
    one !== undefined &&
    two?.length === one.length &&
    one.every((size, i) => size !== undefined && size === two[i])
  );
}
