/** What a decomposition is: a fused operator, rewritten as plain operators. */
import { MoEDebuggerError } from '../../../base/errors';
import { ELEMENT } from '../../file/schema';
import type { Graph, GraphNode } from '../graph';
import type { NodeWriter } from '../node-writer';

export interface DecompositionContext {
  graph: Graph;
  writer: NodeWriter;
  /** Element types by tensor. */
  types: ReadonlyMap<string, number>;
}

export interface Decomposition {
  /** Operators, after their domain unless that is ONNX's own. */
  ops: readonly string[];
  /**
   * Writes nodes that compute the node's outputs; outputs without consumers may be omitted.
   * @returns the tensors of the expert choice, if the node makes one
   * @throws MoEDebuggerError 'model-unsupported' for a form of the operator that has no decomposition here
   */
  write(node: GraphNode, context: DecompositionContext): ExpertChoice | void;
}

/** The error for a form of a fused operator that has no decomposition here. */
export function cannotDecompose(
  graph: Graph,
  node: GraphNode,
  why: string
): MoEDebuggerError {
  return new MoEDebuggerError(
    'model-unsupported',
    `${node.op} cannot be written in plain operators: ${why}`,
    {
      where: `${graph.file} node ${node.name || node.outputs[0]}`.trim(),
      hint: 'export the model without fused operators'
    }
  );
}

/** A constant scalar of the element type of `like`. */
export function numberLike(
  { writer, types }: DecompositionContext,
  value: number,
  like: string
): string {
  const type = types.get(like) ?? ELEMENT.float;
  const constant = writer.floats([value]);
  return type === ELEMENT.float
    ? constant
    : writer.op('Cast', [constant], { to: type });
}
/** Tensors of the decomposed graph that hold the chosen experts. */

export interface ExpertChoice {
  /** [tokens, k] int64 */
  selected: string;
  /** [tokens, k] */
  weights: string;
}
