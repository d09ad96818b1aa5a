/**
 * A graph whose batch grows inside: a prompt enters as one row, and each router adds a row per ablation of its experts.
 * What an ablation cannot reach, such as earlier blocks and the attention of the same block, is computed once for all.
 */
import { streamOperand } from '../../run/activations/stream-points';
import { GraphRewriter } from '../../run/edits/graph-rewriter';
import { Graph } from '../../onnx/graph/graph';
import type { GraphProto } from '../../onnx/file/schema';
import { firstJoin, type BlockJoin, type Blocks } from '../../routing/blocks';
import type { Router } from '../../routing/convention';

export interface GrowingGraph {
  graph: GraphProto;
  /** One per router: the input that says which row each row is a copy of from there on, int64 [rows]. */
  rows: string[];
  /** Number of routers upstream of where an input of the graph joins the stream. */
  routersBefore(input: string): number;
}

const PREFIX = 'grow/';

/**
 * @param edited the model's graph with inputs for edits
 * @param graph the original, in which routers and blocks were found
 * @returns undefined if the routers do not read the stream one after the other
 */
export function growGraph(
  edited: GraphProto,
  graph: Graph,
  { routers, blocks }: { routers: readonly Router[]; blocks: Blocks },
  opset: number
): GrowingGraph | undefined {
  const joins = routers.map(router => joinOf(router, blocks));
  if (joins.some(join => join === undefined)) {
    return undefined;
  }
  const streams = (joins as BlockJoin[]).map(streamOperand);
  if (new Set(streams).size < streams.length) {
    return undefined;
  }
  const rewriter = new GraphRewriter(
    new Graph(edited, graph.file),
    opset,
    PREFIX
  );
  const rows = streams.map((stream, router) => {
    const input = rewriter.input(`${PREFIX}${router}`, 'int64', [
      `rows_${router}`
    ]);
    const readers = rewriter.graph.consumers(stream);
    const grown = rewriter.add('Gather', [stream, input], { axis: 0 });
    readers.forEach(reader => rewriter.redirect(reader, stream, grown));
    return input;
  });
  const built = rewriter.build();
  return {
    graph: {
      ...built,
      input: [...built.input, ...rewriter.inputs],
      // Declared for a fixed batch size.
      valueInfo: []
    },
    rows,
    routersBefore: input => {
      const first = firstJoin(graph, blocks, [input])?.node.index ?? Infinity;
      return joins.filter(join => join!.node.index < first).length;
    }
  };
}

/** The join at which the output of a router's experts is added to the stream. */
function joinOf(
  { layer, stack, selectors }: Router,
  { joins }: Blocks
): BlockJoin | undefined {
  return joins.find(
    join =>
      join.node.index > selectors[0].index &&
      join.layer === layer &&
      join.stack === stack
  );
}
