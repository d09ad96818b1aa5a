/**
 * Reverse-mode automatic differentiation of a graph: adds nodes, in plain operators that any runtime has, that compute
 * the gradients of a value with respect to tensors.
 */
import { MoEDebuggerError } from '../../base/errors';
import { FLOAT_TYPES } from '../../onnx/graph/element-types';
import type { Graph, GraphNode } from '../../onnx/graph/graph';
import type { GraphProto } from '../../onnx/file/schema';
import { ruleOf, stopsGradients } from './rules';
import { Tape } from './tape';
import type { TensorFacts } from './tensor-facts';
import { noGradient } from './unsupported';

export interface GradientGraph {
  /** The graph with the backward pass appended. */
  graph: GraphProto;
  /** Names of gradients by tensor; a tensor that the value does not depend on is missing. */
  gradients: ReadonlyMap<string, string>;
  nodes: { forward: number; backward: number };
  /** By name of a backward node: the forward node whose gradient it computes. */
  origins: ReadonlyMap<string, GraphNode>;
}

/**
 * @param seeds gradients to start from: names of tensors of the graph, by the tensor that they belong to
 * @param by tensors to differentiate with respect to: inputs, initializers or outputs of nodes
 * @throws MoEDebuggerError 'gradient' naming an operator on the path that has no gradient rule, or an unknown tensor
 */
export function differentiate(
  graph: Graph,
  facts: TensorFacts,
  {
    seeds,
    by,
    opset
  }: {
    seeds: ReadonlyMap<string, string>;
    by: readonly string[];
    opset: number;
  }
): GradientGraph {
  for (const tensor of [...by, ...seeds.keys()]) {
    checkTensor(graph, facts, tensor);
  }
  const tape = new Tape(graph, facts, opset);
  const dependent = dependents(graph, facts, by);
  const gradients = new Map<string, string[]>();
  const origins = new Map<string, GraphNode>();
  for (const [tensor, seed] of seeds) {
    gradients.set(tensor, [seed]);
  }
  /** The gradient of a tensor: the sum of those from its consumers. */
  const total = (tensor: string): string | undefined => {
    const parts = gradients.get(tensor);
    if (parts && parts.length > 1) {
      parts.splice(0, parts.length, tape.op('Sum', parts));
    }
    return parts?.[0];
  };
  for (const node of [...graph.nodes].reverse()) {
    const grads = node.outputs.map(output =>
      dependent.has(output) ? total(output) : undefined
    );
    const grad = grads.find(found => found !== undefined);
    if (grad === undefined) {
      continue;
    }
    const wants = (input: number): boolean => dependent.has(node.inputs[input]);
    if (!node.inputs.some((_, input) => wants(input))) {
      continue;
    }
    const rule = ruleOf(node.op);
    if (!rule) {
      throw noGradient(
        graph,
        node,
        `the operator ${node.op} has no gradient rule`
      );
    }
    const first = tape.writer.nodes.length;
    const inputGradients = rule.backward({ node, tape, grad, grads, wants });
    for (const { name = '' } of tape.writer.nodes.slice(first)) {
      origins.set(name, node);
    }
    for (const [input, gradient] of Object.entries(inputGradients)) {
      if (gradient === undefined) {
        continue;
      }
      const tensor = node.inputs[Number(input)];
      const parts = gradients.get(tensor);
      if (parts) {
        parts.push(gradient);
      } else {
        gradients.set(tensor, [gradient]);
      }
    }
  }
  const results = new Map<string, string>();
  for (const tensor of by) {
    const gradient = total(tensor);
    if (gradient !== undefined) {
      results.set(tensor, gradient);
    }
  }
  const { proto } = graph;
  return {
    graph: {
      ...proto,
      node: [...graph.nodes.map(node => node.proto), ...tape.writer.nodes],
      initializer: [...proto.initializer, ...tape.writer.initializers]
    },
    gradients: results,
    origins,
    nodes: { forward: graph.nodes.length, backward: tape.writer.nodes.length }
  };
}

/** Tensors that depend differentiably on one of `by`. */
function dependents(
  graph: Graph,
  facts: TensorFacts,
  by: readonly string[]
): Set<string> {
  const dependent = new Set(by);
  for (const node of graph.nodes) {
    if (
      stopsGradients(node.op) ||
      !node.inputs.some(input => dependent.has(input))
    ) {
      continue;
    }
    differentiableOutputs(node, facts).forEach(output => dependent.add(output));
  }
  return dependent;
}

function differentiableOutputs(node: GraphNode, facts: TensorFacts): string[] {
  const only = ruleOf(node.op)?.differentiable;
  return node.outputs.filter(
    (output, i) =>
      output !== '' &&
      (only ? only.includes(i) : true) &&
      // Quantised activations are rounded and have no gradient: they count, so that an error names their operator.
      (FLOAT_TYPES.has(facts.type(output)) || /Quantize|Integer/.test(node.op))
  );
}

function checkTensor(graph: Graph, facts: TensorFacts, tensor: string): void {
  const there =
    graph.producer(tensor) ||
    graph.inputs.includes(tensor) ||
    graph.initializer(tensor);
  if (!there) {
    throw new MoEDebuggerError(
      'gradient',
      `the graph has no tensor ${tensor}`,
      { where: graph.file, hint: 'take a name that the graph has' }
    );
  }
  if (!FLOAT_TYPES.has(facts.type(tensor))) {
    throw new MoEDebuggerError(
      'gradient',
      `tensor ${tensor} holds integers, which have no gradient`,
      {
        where: tensor,
        hint: 'take the float tensor that is computed from it'
      }
    );
  }
}
