/** Adds activations to a graph's outputs, one output each, since a run copies only the outputs that it fetches. */
import { writeAttribute } from '../../onnx/graph/attributes';
import {
  ELEMENT,
  type AttributeProto,
  type GraphProto,
  type NodeProto,
  type ValueInfoProto
} from '../../onnx/file/schema';
import type { Stack } from '../../base/protocol';
import type { ActivationTensors, TensorOrSum } from './activation-tensors';

/** Names of outputs; each is float32 [..., width], one row a token. */
export interface ActivationPlan {
  residual: { layer: number; stack?: Stack; output: string }[];
  /** One entry a router. */
  routers: { input?: string; output?: string }[];
}

const PREFIX = 'moe_debugger/activation/';

/** @param prefix starts the names of nodes, since both branches of an If must not use the same. Default ''. */
export function captureActivations(
  graph: GraphProto,
  tensors: ActivationTensors,
  prefix = ''
): { graph: GraphProto; plan: ActivationPlan } {
  const nodes: NodeProto[] = [];
  const outputs: ValueInfoProto[] = [];
  const handOut = (name: string, tensor: TensorOrSum): string => {
    const output = PREFIX + name;
    let source = tensor;
    if (typeof source !== 'string') {
      const sum = `${prefix}${output}/sum`;
      nodes.push(node('Add', [...source], sum));
      source = sum;
    }
    nodes.push(node('Cast', [source], prefix + output, [TO_FLOAT]));
    outputs.push(activationOutput(prefix + output));
    return output;
  };
  const plan: ActivationPlan = {
    residual: tensors.residual.map(({ tensor, ...place }, i) => ({
      ...place,
      output: handOut(`residual/${i}`, tensor)
    })),
    routers: tensors.routers.map(({ input, output }, i) => ({
      ...(input === undefined ? {} : { input: handOut(`input/${i}`, input) }),
      ...(output === undefined
        ? {}
        : { output: handOut(`output/${i}`, output) })
    }))
  };
  return {
    graph: {
      ...graph,
      node: [...graph.node, ...nodes],
      output: [...graph.output, ...outputs]
    },
    plan
  };
}

/** All outputs of a plan, in graph order. */
export function activationOutputs({
  residual,
  routers
}: ActivationPlan): string[] {
  return [
    ...residual.map(({ output }) => output),
    ...routers.flatMap(({ input, output }) =>
      [input, output].filter(name => name !== undefined)
    )
  ];
}

/** Declares an output; how many tokens it holds is not known before a run. */
export function activationOutput(name: string): ValueInfoProto {
  return { name, type: { tensorType: { elemType: ELEMENT.float } } };
}

const TO_FLOAT = writeAttribute('to', ELEMENT.float);

function node(
  op: string,
  input: string[],
  output: string,
  attribute: AttributeProto[] = []
): NodeProto {
  return { opType: op, name: output, input, output: [output], attribute };
}
