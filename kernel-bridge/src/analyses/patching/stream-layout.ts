/**
 * Decomposes the residual stream of a graph of plain operators into states and branches; each branch reads an earlier
 * state and is added to the latest. Validates the assumptions of circuit analysis: each state is the previous one plus a
 * branch, and a branch reads one state and nothing else that depends on the prompt's embeddings.
 */
import type { Attention, FoundAttention } from '../attention/attention';
import {
  routedTensors,
  type RoutedTensors
} from '../attribution/routing-tensors';
import { MoEDebuggerError } from '../../base/errors';
import type { PreparedGraph } from '../../run/gradients/model-gradients';
import { Graph, type GraphNode } from '../../onnx/graph/graph';
import { sourceOf } from '../../onnx/graph/no-ops';
import type { Runnable } from '../../run/model/runnable';
import { streamOperand } from '../../run/activations/stream-points';
import type { Router } from '../../routing/convention';
import { findBlocks } from '../../routing/blocks';
import { layerName } from '../../base/protocol';
import { ancestors, valuesRead } from './graph-copy';
import { remembered } from '../../base/remembered';

export interface StreamBranch {
  layer: number;
  /** Prefix of its nodes' names: "layer 3", or longer where that would be ambiguous. */
  name: string;
  kind: 'attention' | 'moe' | 'mlp';
  /** The node that adds it. */
  join: GraphNode;
  /** The tensor that is added, and the one that it is added to. */
  branch: string;
  stream: string;
  /** Index of the state that it reads. */
  reads: number;
  /** It is the last branch of its block. */
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
  /** The router, if the target is in one. */
  targetRouter?: Router;
}

const layouts = remembered<PreparedGraph, StreamLayout>();

/**
 * @param target a tensor of the graph: only what is upstream of it is considered
 * @throws MoEDebuggerError 'model-unsupported' naming the layer where the stream is not a sum of branches
 */
export function streamLayout(
  model: Runnable,
  prepared: PreparedGraph,
  attention: FoundAttention,
  target: string
): StreamLayout {
  return layouts(prepared, target, () =>
    readLayout(model, prepared, attention, target)
  );
}

function readLayout(
  model: Runnable,
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
    throw unsupported('no residual stream was found', file);
  }
  const states = [
    sourceOf(graph, streamOperand(joins[0])).tensor,
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
          ? 'a branch does not read the residual stream'
          : 'a branch reads the residual stream at several points',
        name
      );
    }
    return found[0];
  };
  const targetReads = readBy(target, target);
  const names = new Map<string, number>();
  /** Name of a branch, numbered where a block has several of a kind. */
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
      if (node.op !== 'Add' || sourceOf(graph, stream).tensor !== states[i]) {
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

/** Tensors on the paths from the stream to another tensor. */
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
    hint: 'attribute works on such models: it credits tokens, layers and experts'
  });
}
