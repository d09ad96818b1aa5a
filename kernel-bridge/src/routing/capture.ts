/**
 * Adds the routing to a graph's outputs: router tensors of all layers, concatenated to one flat tensor a kind. Two
 * dozen separate outputs cost a few percent of a forward pass (measured), these three nothing. Expert indices are cast
 * to int32, since reading int64 in JavaScript is slow.
 */
import { MoEDebuggerError } from '../base/errors';
import {
  ELEMENT,
  type GraphProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto
} from '../onnx/file/schema';
import type { Router } from './convention';

export const CAPTURE_OUTPUTS = {
  logits: 'moe_debugger/logits',
  selected: 'moe_debugger/selected',
  weights: 'moe_debugger/weights',
  applied: 'moe_debugger/applied',
  kept: 'moe_debugger/kept',
  shared: 'moe_debugger/shared'
} as const;
export type CaptureKind = keyof typeof CAPTURE_OUTPUTS;

/** Kinds that hold experts; the others hold numbers. */
const INDICES: ReadonlySet<CaptureKind> = new Set(['selected', 'applied']);

/** One router's part of a flat output: `width` values a token. */
export interface Segment {
  router: number;
  width: number;
}

export interface CapturePlan {
  /** The segments of each output, in order. A kind without segments has no output. */
  segments: Record<CaptureKind, Segment[]>;
  outputs: string[];
}

/** Adapts a plan to routers that run with another k. */
export function withTopK(
  { segments, outputs }: CapturePlan,
  routers: readonly Router[]
): CapturePlan {
  const widths = (
    list: readonly Segment[],
    parts: (router: Router) => number | undefined
  ): Segment[] =>
    list.map(({ router, width }) => {
      const count = parts(routers[router]);
      return {
        router,
        width: count === undefined ? width : routers[router].topK / count
      };
    });
  return {
    segments: {
      ...segments,
      selected: widths(
        segments.selected,
        ({ tensors }) => tensors.selected?.length
      ),
      weights: widths(
        segments.weights,
        ({ tensors }) => tensors.weights?.length
      ),
      applied: widths(segments.applied, () => 1)
    },
    outputs
  };
}

const PREFIX = 'moe_debugger/';

/**
 * Adds the routing of `routers` to a graph's outputs. Does not modify `graph`: the result shares its messages, but has
 * lists of nodes, initializers and outputs of its own.
 *
 * @param prefix starts the names of what is added, since both branches of an If must not use the same. Default ''.
 * @throws MoEDebuggerError 'not-a-moe' when there is no router to capture
 */
export function captureGraph(
  graph: GraphProto,
  routers: readonly Router[],
  prefix: string = ''
): { graph: GraphProto; plan: CapturePlan } {
  if (routers.length === 0) {
    throw new MoEDebuggerError('not-a-moe', 'the graph has no router', {
      hint: 'load a Mixture-of-Experts model; "moe-debugger inspect" shows what was found'
    });
  }
  const flatShape = `${prefix}${PREFIX}flat`;
  const nodes: NodeProto[] = [];
  const plan: CapturePlan = {
    segments: {
      logits: [],
      selected: [],
      weights: [],
      applied: [],
      kept: [],
      shared: []
    },
    outputs: []
  };
  const flat: Record<CaptureKind, string[]> = {
    logits: [],
    selected: [],
    weights: [],
    applied: [],
    kept: [],
    shared: []
  };
  const add = (
    kind: CaptureKind,
    tensor: string,
    router: number,
    width: number
  ): void => {
    const name = `${prefix}${PREFIX}${kind}/${plan.segments[kind].length}`;
    const type = INDICES.has(kind) ? ELEMENT.int32 : ELEMENT.float;
    nodes.push(
      node('Cast', [tensor], [`${name}/cast`], { name: 'to', type: 2, i: type })
    );
    nodes.push(node('Reshape', [`${name}/cast`, flatShape], [name]));
    flat[kind].push(name);
    plan.segments[kind].push({ router, width });
  };
  routers.forEach(({ tensors, experts, topK, convention }, index) => {
    add('logits', tensors.logits, index, experts);
    const width = (list: readonly string[]): number => topK / list.length;
    tensors.selected?.forEach((tensor, _, all) =>
      add('selected', tensor, index, width(all))
    );
    tensors.weights?.forEach((tensor, _, all) =>
      add('weights', tensor, index, width(all))
    );
    if (tensors.denseWeights) {
      add('weights', tensors.denseWeights, index, experts);
    }
    if (tensors.applied !== undefined) {
      add('applied', tensors.applied, index, topK);
    }
    if (tensors.shared !== undefined) {
      add('shared', tensors.shared, index, convention.sharedScores!);
    }
    if (tensors.kept) {
      add('kept', tensors.kept, index, experts);
    }
  });
  const outputs = [...graph.output];
  for (const kind of Object.keys(flat) as CaptureKind[]) {
    if (flat[kind].length > 0) {
      const name = prefix + CAPTURE_OUTPUTS[kind];
      nodes.push(
        node('Concat', flat[kind], [name], { name: 'axis', type: 2, i: 0 })
      );
      outputs.push(captureOutput(kind, name));
      plan.outputs.push(CAPTURE_OUTPUTS[kind]);
    }
  }
  const minusOne: TensorProto = {
    ...emptyTensor,
    name: flatShape,
    dims: [1],
    dataType: ELEMENT.int64,
    int64Data: [-1]
  };
  return {
    graph: {
      ...graph,
      node: [...graph.node, ...nodes],
      initializer: [...graph.initializer, minusOne],
      output: outputs
    },
    plan
  };
}

const emptyTensor: TensorProto = {
  dims: [],
  floatData: [],
  int32Data: [],
  int64Data: [],
  doubleData: [],
  uint64Data: [],
  externalData: []
};

function node(
  op: string,
  input: string[],
  output: string[],
  attribute?: { name: string; type: number; i: number }
): NodeProto {
  return {
    opType: op,
    name: output[0],
    input,
    output,
    attribute: attribute
      ? [
          {
            ...attribute,
            floats: [],
            ints: [],
            strings: [],
            tensors: [],
            graphs: []
          }
        ]
      : []
  };
}

/** Declares an output; its length is not known before a run. */
export function captureOutput(kind: CaptureKind, name: string): ValueInfoProto {
  const elemType = INDICES.has(kind) ? ELEMENT.int32 : ELEMENT.float;
  return { name, type: { tensorType: { elemType } } };
}
