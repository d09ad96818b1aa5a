/** What a graph does to the product with a router's weights before the point where its logits are read. */
import type { Graph, GraphNode } from '../onnx/graph/graph';
import { sourceOf } from '../onnx/graph/no-ops';
import { isWeightProduct } from './router-input';

export interface LogitSteps {
  /** From the product to the logits, as text: "MatMul gate", "bias", "soft cap 30". */
  steps: string[];
  /** The logits are c tanh(x / c). */
  softcap?: number;
}

const MAX_STEPS = 16;

export function logitSteps(graph: Graph, logits: string): LogitSteps {
  const steps: string[] = [];
  let softcap: number | undefined;
  let tensor = logits;
  for (let step = 0; step < MAX_STEPS; step++) {
    const { node } = sourceOf(graph, tensor);
    if (!node) {
      break;
    }
    if (isWeightProduct(graph, node)) {
      steps.unshift(`${node.op} ${node.name}`.trim());
      break;
    }
    const capped = readSoftcap(graph, node);
    if (capped) {
      softcap ??= capped.cap;
      steps.unshift(`soft cap ${short(capped.cap)}`);
      tensor = capped.tensor;
      continue;
    }
    const constant = node.inputs.find(input => graph.isConstant(input));
    const rest = node.inputs.find(
      input => input !== '' && !graph.isConstant(input)
    );
    if (rest === undefined) {
      break;
    }
    steps.unshift(describe(graph, node, constant));
    tensor = rest;
  }
  return { steps, ...(softcap === undefined ? {} : { softcap }) };
}

function describe(
  graph: Graph,
  { op }: GraphNode,
  constant: string | undefined
): string {
  const value =
    constant === undefined ? undefined : graph.constantScalar(constant);
  switch (op) {
    case 'Add':
      return constant === undefined ? 'sum' : 'bias';
    case 'Mul':
      return value === undefined ? 'factors' : `factor ${short(value)}`;
    case 'Div':
      return value === undefined ? 'division' : `division by ${short(value)}`;
    default:
      return op;
  }
}

/** Reads c tanh(x / c), with the division as a product too. */
function readSoftcap(
  graph: Graph,
  node: GraphNode
): { cap: number; tensor: string } | undefined {
  const cap = factorOf(graph, node);
  const above = cap && sourceOf(graph, cap.tensor).node;
  const scaled =
    above?.op === 'Tanh' ? sourceOf(graph, above.inputs[0]).node : undefined;
  const below = scaled && factorOf(graph, scaled);
  return cap && below && Math.abs(cap.factor * below.factor - 1) < 1e-4
    ? { cap: cap.factor, tensor: below.tensor }
    : undefined;
}

function factorOf(
  graph: Graph,
  { op, inputs }: GraphNode
): { factor: number; tensor: string } | undefined {
  if (op !== 'Mul' && op !== 'Div') {
    return undefined;
  }
  const [first, second] = inputs;
  const value = graph.constantScalar(second);
  if (value !== undefined && value !== 0) {
    return { factor: op === 'Div' ? 1 / value : value, tensor: first };
  }
  const other = op === 'Mul' ? graph.constantScalar(first) : undefined;
  return other === undefined ? undefined : { factor: other, tensor: second };
}

function short(value: number): string {
  return String(Number(value.toPrecision(6)));
}
