/**
 * A graph whose activations can be patched through inputs: a factor and an addend per token. With 1 and 0 the graph
 * computes the same as before, bit for bit; with 0 and a value, the activation becomes that value.
 */
import type { TensorValue } from '../../run/engine/messages';
import { inputOf } from '../../run/gradients/embeddings';
import type { DerivedGraph } from '../../run/gradients/model-gradients';
import { ELEMENT } from '../../onnx/file/schema';
import { GraphCopy } from './graph-copy';
import { remembered } from '../../base/remembered';
import { watchedTensors } from './two-runs';
import type { StreamLayout } from './stream-layout';

/** Inputs of one patched tensor, each float32 of a shape that broadcasts to [batch, tokens, width]. */
export interface PatchInputs {
  keep: string;
  value: string;
}

export interface PatchGraph {
  derived: DerivedGraph;
  /** By patched tensor. */
  inputs: ReadonlyMap<string, PatchInputs>;
}

const PREFIX = 'moe_debugger/patch/';

const graphs = remembered<StreamLayout, PatchGraph>();

export function patchGraph(layout: StreamLayout): PatchGraph {
  return graphs(layout, '', () => writePatchGraph(layout));
}

function writePatchGraph(layout: StreamLayout): PatchGraph {
  const { graph, branches, states, prepared } = layout;
  const copy = new GraphCopy(graph, prepared.facts, PREFIX);
  const watched = watchedTensors(layout);
  const inputs = new Map<string, PatchInputs>();
  const patched = (tensor: string): string => {
    const name = `${PREFIX}${inputs.size}/`;
    const own = { keep: `${name}keep`, value: `${name}value` };
    inputs.set(tensor, own);
    const type = copy.facts.type(tensor);
    const laidOut = (input: string): string => {
      copy.inputs.push(
        inputOf(
          input,
          ELEMENT.float,
          [0, 1, 2].map(axis => `${input}_${axis}`)
        )
      );
      const typed =
        type === ELEMENT.float
          ? input
          : copy.writer.op('Cast', [input], { to: type });
      // A tensor without a batch axis has one row per token of each sequence.
      return copy.facts.rank(tensor) === 2
        ? copy.writer.op('Flatten', [typed], { axis: 2 })
        : typed;
    };
    return copy.like(tensor, 'Add', [
      copy.like(tensor, 'Mul', [tensor, laidOut(own.keep)]),
      laidOut(own.value)
    ]);
  };
  for (const { join, branch } of branches) {
    copy.redirect(join, branch, patched(branch));
  }
  for (const tensor of new Set([
    states[0],
    ...[...watched.residual, ...watched.routers].map(own => own.tensor)
  ])) {
    const readers = graph.consumers(tensor);
    const to = patched(tensor);
    readers.forEach(node => copy.redirect(node, tensor, to));
  }
  return { derived: copy.build(`patches ${layout.target}`), inputs };
}

/** Feeds without any patch. */
export function noPatches({ inputs }: PatchGraph): Record<string, TensorValue> {
  return Object.fromEntries(
    [...inputs.values()].flatMap(({ keep, value }) => [
      [keep, one(1)],
      [value, one(0)]
    ])
  );
}

function one(value: number): TensorValue {
  return { type: 'float32', dims: [1, 1, 1], data: Float32Array.of(value) };
}
