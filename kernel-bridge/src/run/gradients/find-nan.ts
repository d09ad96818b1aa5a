/** Finds the first node of a run that outputs NaN. */
import type { TensorValue } from '../engine/messages';
import { toFloat32 } from '../engine/tensor-values';
import { elementTypes, FLOAT_TYPES } from '../../onnx/graph/element-types';
import { Graph, type GraphNode } from '../../onnx/graph/graph';
import { NodeWriter } from '../../onnx/graph/node-writer';
import { ELEMENT, type GraphProto } from '../../onnx/file/schema';

/**
 * @param origins by name of a backward node, the forward node whose gradient it computes
 * @param run computes one output of a graph on the feeds of the run
 * @returns a description of the node; undefined when no float tensor has a NaN
 */
export async function findNaN(
  graph: GraphProto,
  file: string,
  origins: ReadonlyMap<string, GraphNode>,
  run: (probed: {
    graph: GraphProto;
    output: string;
  }) => Promise<Record<string, TensorValue>[]>
): Promise<string | undefined> {
  const whole = new Graph(graph, file);
  const types = elementTypes(whole);
  const writer = new NodeWriter('moe_debugger/nan/');
  const suspects = whole.nodes.flatMap(node =>
    node.outputs
      .filter(output => output && FLOAT_TYPES.has(types.get(output) ?? 0))
      .map(output => ({ node, output }))
  );
  const counts = suspects.map(({ output }) =>
    writer.op('ReduceSum', [
      writer.op('Reshape', [
        writer.op('Cast', [writer.op('IsNaN', [output])], {
          to: ELEMENT.float
        }),
        writer.ints([-1])
      ])
    ])
  );
  const output = writer.op('Concat', concatGroups(writer, counts), { axis: 0 });
  const [outputs] = await run({
    output,
    graph: {
      ...graph,
      node: [...graph.node, ...writer.nodes],
      initializer: [...graph.initializer, ...writer.initializers],
      output: [
        { name: output, type: { tensorType: { elemType: ELEMENT.float } } }
      ]
    }
  });
  const first = toFloat32(outputs[output]).findIndex(count => count > 0);
  if (first < 0) {
    return undefined;
  }
  const { node } = suspects[first];
  const origin = origins.get(node.name);
  return origin
    ? `the gradient of node ${origin.name || origin.outputs[0]} (${origin.op})`
    : `node ${node.name || node.outputs[0]} (${node.op})`;
}

/** Concatenates scalars in groups, since onnxruntime is slow to load a node with thousands of inputs. */
function concatGroups(writer: NodeWriter, lists: string[]): string[] {
  const groups: string[] = [];
  for (let i = 0; i < lists.length; i += GROUP) {
    groups.push(
      writer.op(
        'Concat',
        lists
          .slice(i, i + GROUP)
          .map(list => writer.op('Reshape', [list, writer.ints([1])])),
        { axis: 0 }
      )
    );
  }
  return groups;
}

const GROUP = 64;
