/**
 * The residual stream of a graph of plain operators, taken apart: its states, and between two of them the branch that
 * reads an earlier state and is added. What the analysis of circuits stands on is checked here: each state is the one
 * before plus a branch, and a branch reads one state and nothing else that depends on the prompt's embeddings.
 */
import type { Attention, FoundAttention } from '../attention/attention';
import {
  routedTensors,
  type RoutedTensors
} from '../attribution/routing-tensors';
import { MoEDebuggerError } from '../../base/errors';
import type { PreparedGraph } from '../../run/gradients/model-gradients';
import { Graph, type GraphNode } from '../../onnx/graph/graph';
import type { LoadedModel } from '../../run/model/loaded-model';
import { streamOperand } from '../../run/activations/stream-points';
import type { Router } from '../../routing/convention';
import { findBlocks } from '../../routing/blocks';
import { layerName } from '../../base/protocol';
import { ancestors, valuesRead } from './graph-copy';
import { remembered } from '../../base/remembered';

export interface StreamBranch {
  layer: number;
  /** What its nodes' names begin with: "layer 3", and more where that would not tell them apart. */
  name: string;
  kind: 'attention' | 'moe' | 'mlp';
  /** The node that adds it. */
  join: GraphNode;
  /** What is added, and what to. */
  branch: string;
  stream: string;
  /** Index of the state that it reads. */
  reads: number;
  /** It ends a block. */
  last: boolean;
  attention?: Attention;
  routed?: RoutedTensors;
}

export interface StreamLayout {
  graph: Graph;
  prepared: PreparedGraph;
  /** The stream before the first branch, and after each. */
  states: string[];
  branches: StreamBranch[];
  /** The tensor that the target is read from, and the state that it reads. */
  target: string;
  targetReads: number;
  /** Of a target in a router: the router. */
  targetRouter?: Router;
}

/** What may stand between a join and the next without making anything else of the stream. */
const VIEWS = new Set([
  'Identity',
  'Cast',
  'Reshape',
  'Squeeze',
  'Unsqueeze',
  'Flatten'
]);

const layouts = remembered<PreparedGraph, StreamLayout>();

/**
 * @param target a tensor of the graph: only what comes before it is looked at
 * @throws MoEDebuggerError 'model-unsupported' naming the layer where the stream is no sum of what reads it
 */
export function streamLayout(
  model: LoadedModel,
  prepared: PreparedGraph,
  attention: FoundAttention,
  target: string
): StreamLayout {
  return layouts(prepared, target, () =>
    readLayout(model, prepared, attention, target)
  );
}

function readLayout(
  model: LoadedModel,
  prepared: PreparedGraph,
  { attention }: FoundAttention,
  target: string
): StreamLayout {
  const { file } = model.onnx;
  const { interpolated } = prepared;
  const graph = new Graph(interpolated.graph, file);
  const blocks = findBlocks(graph);
  const routed = routedTensors(model, prepared, target);
  const { joins } = blocks;
  if (joins.length === 0) {
    throw unsupported('the graph shows no residual stream', file);
  }
  const states = [
    viewed(graph, streamOperand(joins[0])),
    ...joins.map(({ node }) => node.outputs[0])
  ];
  const known = new Set([...states, interpolated.embeddings]);
  const readBy = (tensor: string, name: string): number => {
    const read = valuesRead(graph, tensor, known);
    read.delete(
      states[0] === interpolated.embeddings ? '' : interpolated.embeddings
    );
    const found = [...read].map(state => states.indexOf(state));
    if (found.length !== 1 || found[0] < 0) {
      throw unsupported(
        found.length === 0
          ? 'a part reads nothing of the residual stream'
          : 'a part reads the residual stream at several places',
        name
      );
    }
    return found[0];
  };
  const targetReads = readBy(target, target);
  const names = new Map<string, number>();
  /** The place of a branch, numbered where a block has several of a kind. */
  const named = (kind: StreamBranch['kind'], place: string): string => {
    const count = (names.get(`${place} ${kind}`) ?? 0) + 1;
    names.set(`${place} ${kind}`, count);
    return count === 1 ? place : `${place} (${count})`;
  };
  const branches = joins
    .slice(0, targetReads)
    .map(({ node, layer, branch, ...join }, i): StreamBranch => {
      const place = layerName({ layer });
      const stream = streamOperand({ node, layer, branch, ...join });
      if (node.op !== 'Add' || viewed(graph, stream) !== states[i]) {
        throw unsupported(
          'the residual stream is not the sum of what was added to it',
          place
        );
      }
      const reads = readBy(branch, place);
      const own = within(graph, branch, known);
      const router = routed.find(({ weights }) =>
        weights.some(weight => own.has(weight))
      );
      const heads = attention.find(({ mixed }) => own.has(mixed.tensor));
      const kind =
        heads || blocks.place(branch)?.mixes
          ? 'attention'
          : router
            ? 'moe'
            : 'mlp';
      return {
        layer,
        name: named(kind, layerName({ layer, module: router?.router.module })),
        kind,
        join: node,
        branch,
        stream,
        reads,
        last: joins[i + 1]?.layer !== layer,
        ...(heads ? { attention: heads } : {}),
        ...(router ? { routed: router } : {})
      };
    });
  const router = model.routers.find(({ tensors }) => tensors.logits === target);
  return {
    graph,
    prepared,
    states: states.slice(0, targetReads + 1),
    branches,
    target,
    targetReads,
    ...(router ? { targetRouter: router } : {})
  };
}

/** Through what only lays a tensor out anew, upwards. */
function viewed(graph: Graph, tensor: string): string {
  let name = tensor;
  for (;;) {
    const node = graph.producer(name);
    if (!node || !VIEWS.has(node.op)) {
      return name;
    }
    name = node.inputs[0];
  }
}

/** Tensors that are computed on the way to another from the stream. */
function within(
  graph: Graph,
  tensor: string,
  ends: ReadonlySet<string>
): Set<string> {
  return new Set(
    ancestors(graph, tensor, ends).flatMap(({ outputs }) => outputs)
  );
}

function unsupported(what: string, where: string): MoEDebuggerError {
  return new MoEDebuggerError('model-unsupported', what, {
    where,
    hint: 'attribute shows what its tokens, layers and experts are credited with'
  });
}
