/** How one operator hands gradients back: its vector-Jacobian product, written as nodes. */
import type { GraphNode } from '../../onnx/graph/graph';
import type { Tape } from './tape';

/** A node on the path from what is differentiated by to the value. */
export interface Backward {
  node: GraphNode;
  tape: Tape;
  /** The gradient of the value by the node's first output. */
  grad: string;
  /** By each output; undefined for an output that the value does not depend on. */
  grads: readonly (string | undefined)[];
  /** True for an input whose gradient is asked for. */
  wants(input: number): boolean;
}

export interface GradientRule {
  /** Operators it is for, with their domain where that is not ONNX's own. */
  ops: readonly string[];
  /** Index of the outputs that can be differentiated, where not all can. */
  differentiable?: readonly number[];
  /**
   * @returns the gradient by each input that is wanted, by the input's index
   * @throws MoEDebuggerError 'gradient' for a form of the operator that it cannot differentiate
   */
  backward(step: Backward): Readonly<Record<number, string | undefined>>;
}
