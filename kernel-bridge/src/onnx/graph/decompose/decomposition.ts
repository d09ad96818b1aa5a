/** How a fused operator is written in plain ones. */
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
  /** Operators with their domain where that is not ONNX's own. */
  ops: readonly string[];
  /**
   * Writes nodes that make the node's outputs; outputs that nobody reads need not be made.
   * @returns where an expert choice is, if the node made one
   * @throws MoEDebuggerError 'model-unsupported' for a form of the operator that it cannot write
   */
  write(node: GraphNode, context: DecompositionContext): ExpertChoice | void;
}

/** A form of a fused operator that is not known in plain ones. */
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

/** A number in the type of a tensor. */
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
/** What a token's choice is: tensors of the plain graph. */

export interface ExpertChoice {
  /** [tokens, k] int64 */
  selected: string;
  /** [tokens, k] */
  weights: string;
}
