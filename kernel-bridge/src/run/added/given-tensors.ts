/** Parts of a model's graph that run by themselves, from float32 values of some of their tensors. */
import { writeAttribute } from '../../onnx/graph/attributes';
import { cutGraph } from '../../onnx/graph/cut-graph';
import type { Graph } from '../../onnx/graph/graph';
import {
  ELEMENT,
  type GraphProto,
  type NodeProto
} from '../../onnx/file/schema';

const PREFIX = 'moe_debugger/added/';

/** The name of the input that a tensor is given by, and of the output that it is read from. */
export const givenBy = (tensor: string): string => `${PREFIX}given/${tensor}`;
export const readFrom = (tensor: string): string => `${PREFIX}read/${tensor}`;

/**
 * The graph that computes `outputs` from `inputs`; what it reads besides is the model's own inputs.
 * @param types element types by tensor
 * @returns undefined where the outputs do not depend on the inputs
 */
export function givenTensors(
  graph: Graph,
  types: ReadonlyMap<string, number>,
  inputs: readonly string[],
  outputs: readonly string[]
): GraphProto | undefined {
  const cut = cutGraph(
    graph,
    inputs.map(name => ({ name })),
    outputs.map(name => ({ name }))
  );
  if (!cut) {
    return undefined;
  }
  const declared = (name: string): { name: string; type: object } => ({
    name,
    type: { tensorType: { elemType: ELEMENT.float } }
  });
  const reached = cut.input.filter(({ name }) => inputs.includes(name ?? ''));
  return {
    ...cut,
    input: [
      ...reached.map(({ name }) => declared(givenBy(name!))),
      ...cut.input.filter(info => !reached.includes(info))
    ],
    node: [
      ...reached.map(({ name }) =>
        cast(givenBy(name!), name!, types.get(name!) ?? ELEMENT.float)
      ),
      ...cut.node,
      ...outputs.map(name => cast(name, readFrom(name), ELEMENT.float))
    ],
    output: outputs.map(name => declared(readFrom(name))),
    valueInfo: []
  };
}

function cast(from: string, to: string, type: number): NodeProto {
  return {
    opType: 'Cast',
    name: `${to}/cast`,
    input: [from],
    output: [to],
    attribute: [writeAttribute('to', type)]
  };
}
