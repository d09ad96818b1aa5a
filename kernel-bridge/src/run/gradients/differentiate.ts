/**
 * Reverse mode over a graph: from a value, and tensors to differentiate it by, to the graph that computes the
 * gradients too, in plain operators that any runtime has.
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
  /** The graph with the nodes that compute the gradients behind its own. */
  graph: GraphProto;
  /** The tensor that holds the gradient by each tensor; one that the value does not depend on is missing. */
  gradients: ReadonlyMap<string, string>;
  nodes: { forward: number; backward: number };
  /** The node whose gradient a node of the backward pass computes, by the latter's name. */
  origins: ReadonlyMap<string, GraphNode>;
}

/**
 * @param seeds the gradients that it starts from, by tensor: tensors of the graph, of the same shape
 * @param by names of tensors: of the graph's inputs, its weights or what its nodes make
 * @throws MoEDebuggerError 'gradient' naming an operator on the path that has no rule, or a tensor that does not exist
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
  const moving = dependents(graph, facts, by);
  const gradients = new Map<string, string[]>();
  const origins = new Map<string, GraphNode>();
  for (const [tensor, seed] of seeds) {
    gradients.set(tensor, [seed]);
  }
  /** The sum of what a tensor's readers handed back. */
  const total = (tensor: string): string | undefined => {
    const parts = gradients.get(tensor);
    if (parts && parts.length > 1) {
      parts.splice(0, parts.length, tape.op('Sum', parts));
    }
    return parts?.[0];
  };
  for (const node of [...graph.nodes].reverse()) {
    const grads = node.outputs.map(output =>
      moving.has(output) ? total(output) : undefined
    );
    const grad = grads.find(found => found !== undefined);
    if (grad === undefined) {
      continue;
    }
    const wants = (input: number): boolean => moving.has(node.inputs[input]);
    if (!node.inputs.some((_, input) => wants(input))) {
      continue;
    }
    const rule = ruleOf(node.op);
    if (!rule) {
      throw noGradient(
        graph,
        node,
        `the operator ${node.op} has no rule to differentiate it by`
      );
    }
    const first = tape.writer.nodes.length;
    const handed = rule.backward({ node, tape, grad, grads, wants });
    for (const { name = '' } of tape.writer.nodes.slice(first)) {
      origins.set(name, node);
    }
    for (const [input, gradient] of Object.entries(handed)) {
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

/** Tensors that move when one of some tensors is moved a little. */
function dependents(
  graph: Graph,
  facts: TensorFacts,
  by: readonly string[]
): Set<string> {
  const moving = new Set(by);
  for (const node of graph.nodes) {
    if (
      stopsGradients(node.op) ||
      !node.inputs.some(input => moving.has(input))
    ) {
      continue;
    }
    outputsThatMove(node, facts).forEach(output => moving.add(output));
  }
  return moving;
}

function outputsThatMove(node: GraphNode, facts: TensorFacts): string[] {
  const only = ruleOf(node.op)?.differentiable;
  return node.outputs.filter(
    (output, i) =>
      output !== '' &&
      (only ? only.includes(i) : true) &&
      // Quantised activations are rounded, so what is behind them has no gradient: the operator is named, not passed by.
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
      `tensor ${tensor} holds integers, which nothing can be differentiated by`,
      {
        where: tensor,
        hint: 'take the float tensor that is computed from it'
      }
    );
  }
}
