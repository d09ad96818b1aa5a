/** Inputs and outputs of com.microsoft.GroupQueryAttention, and its forms that have no decomposition here. */
import { attributeInt, attributeText } from '../attributes';
import type { Graph, GraphNode } from '../graph';
import { cannotDecompose } from './decomposition';

export const INPUT = {
  ...{ query: 0, key: 1, value: 2, pastKey: 3, pastValue: 4, lengths: 5 },
  ...{ total: 6, cosines: 7, sines: 8, positions: 9, bias: 10, sink: 11 }
} as const;
/** Later inputs are scales of a quantised KV cache, or weights of norms of queries and keys. */
const KNOWN_INPUTS = 12;

export const OUTPUT = { mixed: 0, presentKey: 1, presentValue: 2 } as const;

/** @throws MoEDebuggerError 'model-unsupported' */
export function refuseUnknownForms(node: GraphNode, graph: Graph): void {
  const { inputs, outputs, proto } = node;
  const refuse = (why: string): never => {
    throw cannotDecompose(graph, node, why);
  };
  if (inputs.slice(KNOWN_INPUTS).some(input => input !== '')) {
    refuse('its KV cache is quantised, or it normalises queries and keys');
  }
  for (const name of ['k_quant_type', 'v_quant_type']) {
    if ((attributeText(proto, name) ?? 'NONE') !== 'NONE') {
      refuse('its KV cache is quantised');
    }
  }
  if (inputs[INPUT.bias]) {
    refuse('it adds a bias to its scores');
  }
  if ((attributeInt(proto, 'causal') ?? 1) !== 1) {
    refuse('it is not causal');
  }
  if (!inputs[INPUT.key] !== !inputs[INPUT.value]) {
    refuse('it has a key without a value');
  }
  if (outputs.slice(OUTPUT.presentValue + 1).some(output => output !== '')) {
    refuse('it outputs its scores');
  }
}
