/** The vocabulary of a graph: its token ids and its logits. */
import type { Graph } from '../../onnx/graph/graph';
import { viewsOf } from '../../onnx/graph/no-ops';
import type { GraphProto } from '../../onnx/file/schema';

/** The output that holds a model's logits. */
export function logitsOutput(graph: GraphProto): string {
  const names = graph.output.map(({ name }) => name ?? '');
  return names.find(name => name === 'logits') ?? names[0];
}

/** Rows of the embedding table, if found. */
export function vocabularySize(graph: Graph): number | undefined {
  for (const name of ['input_ids', 'decoder_input_ids']) {
    for (const view of viewsOf(graph, name)) {
      const lookup = graph
        .consumers(view)
        .find(({ op, inputs }) => op === 'Gather' && inputs[1] === view);
      const rows = lookup && graph.weightOf(lookup.inputs[0])?.dims?.[0];
      if (rows !== undefined) {
        return rows;
      }
    }
  }
  return undefined;
}
