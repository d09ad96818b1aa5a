/**
 * A graph whose hidden units can be changed through inputs: each becomes a factor times itself plus an addend. With 1 and 0
 * the graph computes the same as before, bit for bit.
 */
import type { TensorValue } from '../../run/engine/messages';
import { inputOf } from '../../run/gradients/embeddings';
import type {
  DerivedGraph,
  PreparedGraph
} from '../../run/gradients/model-gradients';
import { MoEDebuggerError } from '../../base/errors';
import { layerName } from '../../base/protocol';
import { Graph } from '../../onnx/graph/graph';
import { ELEMENT } from '../../onnx/file/schema';
import type { NodeWriter } from '../../onnx/graph/node-writer';
import { GraphCopy } from '../patching/graph-copy';
import type { HiddenUnits } from './hidden-units';

const PREFIX = 'moe_debugger/neurons/';
const INPUT = { keep: `${PREFIX}keep`, add: `${PREFIX}add` } as const;

/** What becomes of the hidden units of one expert, [neurons] each. */
export interface UnitChange {
  keep: Float32Array;
  add: Float32Array;
}

export function neuronGraph(
  { interpolated, facts }: PreparedGraph,
  { tensor, product, rows, neurons, router, expert }: HiddenUnits
): DerivedGraph {
  const graph = new Graph(interpolated.graph);
  const reader = graph.producer(product);
  if (!reader?.inputs.includes(tensor)) {
    throw new MoEDebuggerError(
      'model-unsupported',
      'its hidden units are not in the graph of plain operators',
      {
        where: `${layerName(router)}, expert ${expert}`,
        hint: 'scale the whole expert instead: with({ scale: [...] })'
      }
    );
  }
  const copy = new GraphCopy(graph, facts, PREFIX);
  const { writer } = copy;
  const type = facts.type(tensor);
  const laidOut = (name: string): string => {
    copy.inputs.push(
      inputOf(name, ELEMENT.float, [`${name}_experts`, neurons])
    );
    const typed =
      type === ELEMENT.float ? name : writer.op('Cast', [name], { to: type });
    switch (rows.kind) {
      case 'own':
        return typed;
      case 'stacked':
        return writer.op('Reshape', [typed, alongFirst(writer, tensor)]);
      case 'gathered':
        return writer.op('Reshape', [
          writer.op('Gather', [
            typed,
            writer.op('Reshape', [rows.ids, writer.ints([-1])])
          ]),
          writer.op('Shape', [tensor])
        ]);
    }
  };
  const changed = copy.like(tensor, 'Add', [
    copy.like(tensor, 'Mul', [tensor, laidOut(INPUT.keep)]),
    laidOut(INPUT.add)
  ]);
  copy.redirect(reader, tensor, changed);
  return copy.build(`neurons ${tensor}`);
}

/** A shape for [experts, neurons] beside a tensor of any rank, [experts, ..., neurons]: 1 for each axis between. */
function alongFirst(writer: NodeWriter, tensor: string): string {
  const rank = writer.op('Shape', [writer.op('Shape', [tensor])]);
  return writer.op(
    'Concat',
    [
      // The experts, as the table has them.
      writer.ints([0]),
      writer.op('Expand', [
        writer.ints([1]),
        writer.op('Sub', [rank, writer.ints([2])])
      ]),
      writer.ints([-1])
    ],
    { axis: 0 }
  );
}

/** Feeds that change the hidden units of one expert alone. */
export function changeFeeds(
  { rows, router, expert, neurons }: HiddenUnits,
  { keep, add }: UnitChange
): Record<string, TensorValue> {
  const experts = rows.kind === 'own' ? 1 : router.experts;
  const at = rows.kind === 'own' ? 0 : expert * neurons;
  const table = (own: Float32Array, fill: number): TensorValue => {
    const data = new Float32Array(experts * neurons).fill(fill);
    data.set(own, at);
    return { type: 'float32', dims: [experts, neurons], data };
  };
  return { [INPUT.keep]: table(keep, 1), [INPUT.add]: table(add, 0) };
}
