/** A gradient rule: the vector-Jacobian product of an operator, written as nodes. */
import type { GraphNode } from '../../onnx/graph/graph';
import type { Tape } from './tape';

/** A node in the backward pass, on a path from a tensor to differentiate with respect to, to the value. */
export interface Backward {
  node: GraphNode;
  tape: Tape;
  /** The gradient with respect to the first output that has one. */
  grad: string;
  /** Gradients with respect to each output; undefined for an output that the value does not depend on. */
  grads: readonly (string | undefined)[];
  /** True for an input whose gradient is needed. */
  wants(input: number): boolean;
}

export interface GradientRule {
  /** Operators, after their domain unless that is ONNX's own. */
  ops: readonly string[];
  /** Indices of the differentiable outputs. Default all. */
  differentiable?: readonly number[];
  /**
   * @returns gradients with respect to the wanted inputs, by index of the input
   * @throws MoEDebuggerError 'gradient' for a form of the operator that the rule does not support
   */
  backward(step: Backward): Readonly<Record<number, string | undefined>>;
}
