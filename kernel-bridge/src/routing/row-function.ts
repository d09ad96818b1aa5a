/**
 * Computes what a part of a graph makes of one row of numbers: elementwise operators, and reductions over the row. What a
 * part computes is then told from its results, so that it does not matter which of many spellings an exporter wrote.
 */
import {
  attributeFloat,
  attributeInt,
  attributeInts
} from '../onnx/graph/attributes';
import type { Graph, GraphNode } from '../onnx/graph/graph';
import { passedOn } from '../onnx/graph/no-ops';
import { lastDim } from './router-input';

/** One value an expert, or a single one for all. */
type Row = Float64Array;

const MAX_NODES = 48;

/**
 * Tensors upstream of a tensor over nodes that `evaluate` can compute, nearest first; with it first.
 */
export function computedFrom(graph: Graph, tensor: string): string[] {
  const found = [tensor];
  for (let at = 0; at < found.length && found.length <= MAX_NODES; at++) {
    const node = graph.producer(found[at]);
    if (node && !graph.isConstant(found[at])) {
      for (const input of operandsOf(graph, node) ?? []) {
        if (!graph.isConstant(input) && !found.includes(input)) {
          found.push(input);
        }
      }
    }
  }
  return found;
}

/** @returns the row of `tensor` when that of `given` is `row`; undefined when it depends on anything else that varies */
export function evaluate(
  graph: Graph,
  tensor: string,
  given: string,
  row: Row
): Row | undefined {
  const known = new Map<string, Row | undefined>([[given, row]]);
  let left = MAX_NODES;
  const valueOf = (name: string): Row | undefined => {
    if (known.has(name)) {
      return known.get(name);
    }
    const stored = graph.constantValues(name);
    const node = graph.producer(name);
    const value =
      stored !== undefined
        ? stored.length === 1 || stored.length === row.length
          ? Float64Array.from(stored)
          : undefined
        : node && left-- > 0
          ? compute(node)
          : undefined;
    known.set(name, value);
    return value;
  };
  const compute = (node: GraphNode): Row | undefined => {
    const operands = operandsOf(graph, node);
    const values: Row[] = [];
    for (const operand of operands ?? []) {
      const value = valueOf(operand);
      if (!value) {
        return undefined;
      }
      values.push(value);
    }
    if (!operands) {
      return undefined;
    }
    if (passedOn(graph, node) !== undefined || node.op === 'Expand') {
      return values[0];
    }
    const reduce = REDUCTIONS[node.op];
    if (reduce) {
      return overRow(graph, node, row.length)
        ? reduce(values[0], row.length)
        : undefined;
    }
    return elementwise(values, ELEMENTWISE[node.op]!, node);
  };
  return valueOf(tensor);
}

/** True for a node that `evaluate` can compute. */
export function isComputed(graph: Graph, node: GraphNode): boolean {
  return operandsOf(graph, node) !== undefined;
}

/** The inputs that a node computes its values from; undefined for nodes that `evaluate` cannot compute. */
function operandsOf(graph: Graph, node: GraphNode): string[] | undefined {
  const same = passedOn(graph, node);
  if (same !== undefined) {
    return [same];
  }
  if (node.op === 'Expand' || REDUCTIONS[node.op]) {
    return node.inputs.slice(0, 1);
  }
  return ELEMENTWISE[node.op]
    ? node.inputs.filter(input => input !== '')
    : undefined;
}

function elementwise(
  values: Row[],
  compute: Compute,
  node: GraphNode
): Row | undefined {
  const size = Math.max(...values.map(({ length }) => length));
  return Float64Array.from({ length: size }, (_, i) =>
    compute(
      values.map(value => value[value.length === 1 ? 0 : i]),
      node
    )
  );
}

/** True for an operator over the last axis, which is the row. */
function overRow(graph: Graph, node: GraphNode, size: number): boolean {
  const [input] = node.inputs;
  const rank = graph.shape(input)?.length;
  const axes = node.inputs[1]
    ? graph.constantValues(node.inputs[1])
    : (attributeInts(node.proto, 'axes') ?? [
        attributeInt(node.proto, 'axis') ?? -1
      ]);
  const [axis] = axes ?? [];
  return (
    axes?.length === 1 &&
    (axis === -1 || (rank === undefined ? axis > 0 : axis === rank - 1)) &&
    // A reshape may have split the row into groups.
    (lastDim(graph, input) ?? size) === size
  );
}

type Compute = (values: number[], node: GraphNode) => number;

const sumOf = (row: Row, size: number): number =>
  row.length === 1 ? row[0] * size : row.reduce((a, b) => a + b, 0);
const one = (value: number): Row => Float64Array.of(value);
const mapped = (row: Row, change: (value: number) => number): Row =>
  row.map(change);

/** Operators over the row. */
const REDUCTIONS: Partial<Record<string, (row: Row, size: number) => Row>> = {
  ReduceSum: (row, size) => one(sumOf(row, size)),
  ReduceL1: (row, size) => one(sumOf(mapped(row, Math.abs), size)),
  ReduceMean: (row, size) => one(sumOf(row, size) / size),
  ReduceMax: row => one(Math.max(...row)),
  ReduceMin: row => one(Math.min(...row)),
  ReduceLogSum: (row, size) => one(Math.log(sumOf(row, size))),
  ReduceLogSumExp: (row, size) =>
    one(Math.log(sumOf(mapped(row, Math.exp), size))),
  Softmax: (row, size) => {
    const sum = sumOf(mapped(row, Math.exp), size);
    return mapped(row, value => Math.exp(value) / sum);
  },
  LogSoftmax: (row, size) => {
    const sum = Math.log(sumOf(mapped(row, Math.exp), size));
    return mapped(row, value => value - sum);
  }
};

const bit = (value: boolean): number => (value ? 1 : 0);

/** Operators that compute each value of the row from those at the same place. Unlisted ones are not computed. */
const ELEMENTWISE: Partial<Record<string, Compute>> = {
  Neg: ([x]) => -x,
  Abs: ([x]) => Math.abs(x),
  Sign: ([x]) => Math.sign(x),
  Exp: ([x]) => Math.exp(x),
  Log: ([x]) => Math.log(x),
  Sqrt: ([x]) => Math.sqrt(x),
  Reciprocal: ([x]) => 1 / x,
  Tanh: ([x]) => Math.tanh(x),
  Relu: ([x]) => Math.max(0, x),
  Sigmoid: ([x]) => 1 / (1 + Math.exp(-x)),
  Softplus: ([x]) => Math.log1p(Math.exp(x)),
  HardSigmoid: ([x], { proto }) =>
    Math.min(
      1,
      Math.max(
        0,
        x * (attributeFloat(proto, 'alpha') ?? 0.2) +
          (attributeFloat(proto, 'beta') ?? 0.5)
      )
    ),
  Softsign: ([x]) => x / (1 + Math.abs(x)),
  Add: ([a, b]) => a + b,
  Sub: ([a, b]) => a - b,
  Mul: ([a, b]) => a * b,
  Div: ([a, b]) => a / b,
  Pow: ([a, b]) => a ** b,
  Sum: values => values.reduce((a, b) => a + b, 0),
  Mean: values => values.reduce((a, b) => a + b, 0) / values.length,
  Max: values => Math.max(...values),
  Min: values => Math.min(...values),
  Clip: ([x, low, high], { inputs, proto }) =>
    // An omitted bound leaves its place to the next.
    Math.min(
      (inputs[1] ? high : low) ?? attributeFloat(proto, 'max') ?? Infinity,
      Math.max((inputs[1] ? low : attributeFloat(proto, 'min')) ?? -Infinity, x)
    ),
  Where: ([condition, yes, no]) => (condition ? yes : no),
  Greater: ([a, b]) => bit(a > b),
  GreaterOrEqual: ([a, b]) => bit(a >= b),
  Less: ([a, b]) => bit(a < b),
  LessOrEqual: ([a, b]) => bit(a <= b),
  Equal: ([a, b]) => bit(a === b),
  Not: ([x]) => bit(!x),
  And: ([a, b]) => bit(a !== 0 && b !== 0),
  Or: ([a, b]) => bit(a !== 0 || b !== 0)
};
