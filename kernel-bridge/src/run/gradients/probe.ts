/** Learns the shapes of a graph's tensors from probe runs, also where ONNX's shape inference leaves them open. */
import { elementTypes, FLOAT_TYPES } from '../../onnx/graph/element-types';
import type { Graph, GraphNode } from '../../onnx/graph/graph';
import { NodeWriter } from '../../onnx/graph/node-writer';
import type { TensorValue } from '../engine/messages';
import { toIntegers } from '../engine/tensor-values';
import { ELEMENT, type GraphProto } from '../../onnx/file/schema';
import { dimsOf } from '../../onnx/file/tensor';
import { TensorFacts, type ProbedShape } from './tensor-facts';

/** Runs a graph once a feed; returns the fetched outputs of each run. */
export type RunGraph = (
  graph: GraphProto,
  feeds: readonly Record<string, TensorValue>[],
  fetches: readonly string[]
) => Promise<Record<string, TensorValue>[]>;

const PREFIX = 'moe_debugger/probe/';

/**
 * @param feeds inputs of each run, of different batch sizes and lengths, to see which axes depend on them
 */
export async function probeTensors(
  graph: Graph,
  feeds: readonly Record<string, TensorValue>[],
  run: RunGraph
): Promise<TensorFacts> {
  const types = elementTypes(graph);
  const tensors = relevantTensors(graph, types);
  const shapes = new Map<string, ProbedShape>();
  for (const tensor of graph.proto.initializer) {
    shapes.set(
      tensor.name ?? '',
      feeds.map(() => dimsOf(tensor))
    );
  }
  for (const input of graph.inputs) {
    if (feeds.every(feed => feed[input])) {
      shapes.set(
        input,
        feeds.map(feed => feed[input].dims)
      );
    }
  }
  // Fetches shapes only, concatenated to one list of all dims and one of all ranks.
  const writer = new NodeWriter(PREFIX);
  const lists = tensors.map(tensor => writer.op('Shape', [tensor]));
  const all = concatenated(writer, lists);
  const ranks = concatenated(
    writer,
    lists.map(list => writer.op('Shape', [list]))
  );
  const probed: GraphProto = {
    ...graph.proto,
    node: [...graph.nodes.map(({ proto }) => proto), ...writer.nodes],
    output: [all, ranks].map(name => ({
      name,
      type: { tensorType: { elemType: ELEMENT.int64 } }
    }))
  };
  const runs = (await run(probed, feeds, [all, ranks])).map(outputs => {
    const sizes = toIntegers(outputs[all]);
    let next = 0;
    return toIntegers(outputs[ranks]).map(rank => {
      next += rank;
      return sizes.slice(next - rank, next);
    });
  });
  tensors.forEach((tensor, i) => {
    shapes.set(
      tensor,
      runs.map(shapesOfRun => shapesOfRun[i])
    );
  });
  return new TensorFacts(shapes, types, uncertainTensors(graph));
}

/** Concatenates in groups, since onnxruntime takes seconds to load a node with thousands of inputs. */
function concatenated(writer: NodeWriter, lists: readonly string[]): string {
  const groups: string[] = [];
  for (let i = 0; i < lists.length; i += GROUP) {
    groups.push(writer.op('Concat', lists.slice(i, i + GROUP), { axis: 0 }));
  }
  return writer.op('Concat', groups, { axis: 0 });
}

const GROUP = 64;

/** Float tensors, and inputs of their producers: indices, sizes, bounds. */
function relevantTensors(
  graph: Graph,
  types: ReadonlyMap<string, number>
): string[] {
  const tensors = new Set<string>();
  for (const node of graph.nodes) {
    const made = node.outputs.filter(
      output =>
        output !== '' && FLOAT_TYPES.has(types.get(output) ?? ELEMENT.float)
    );
    if (made.length === 0) {
      continue;
    }
    made.forEach(output => tensors.add(output));
    for (const input of node.inputs) {
      if (graph.producer(input) && types.get(input) !== STRING) {
        tensors.add(input);
      }
    }
  }
  return [...tensors];
}

const STRING = 8;

/** Tensors whose shape depends on values, such as the number of tokens that chose an expert. */
function uncertainTensors(graph: Graph): Set<string> {
  const uncertain = new Set<string>();
  for (const node of graph.nodes) {
    if (
      COUNTING.has(node.op) ||
      shapeGivers(node).some(input => uncertain.has(input))
    ) {
      node.outputs.forEach(output => uncertain.add(output));
    }
  }
  return uncertain;
}

const COUNTING: ReadonlySet<string> = new Set([
  'NonZero',
  'Compress',
  'Unique',
  'NonMaxSuppression'
]);

/** Inputs that determine the shape of a node's output. */
function shapeGivers({ op, inputs }: GraphNode): string[] {
  switch (op) {
    case 'ScatterElements':
    case 'ScatterND':
    case 'Softmax':
    case 'LogSoftmax':
      return inputs.slice(0, 1);
    default:
      return inputs;
  }
}
