/**
 * Routers inside the branches of an If: an exporter that merges a decoder with and without a cache into one file puts
 * the whole model into both. Each branch tells its routing by outputs of its own, which the If hands on.
 */
import { Graph, type GraphNode } from '../onnx/graph/graph';
import type {
  AttributeProto,
  GraphProto,
  ValueInfoProto
} from '../onnx/file/schema';
import {
  CAPTURE_OUTPUTS,
  captureGraph,
  captureOutput,
  type CaptureKind,
  type CapturePlan
} from './capture';
import type { Router } from './convention';
import { findRouters, type FoundRouters } from './find-routers';

export interface Branch {
  /** `then_branch` or `else_branch`. */
  attribute: string;
  graph: Graph;
  found: FoundRouters;
}

export interface BranchedRouters {
  /** The If. */
  node: GraphNode;
  branches: Branch[];
  /** The first branch is known to be the one that sequences without a cache take. */
  promptFirst: boolean;
}

/** The If of `graph` whose branches route alike; undefined when there is none. */
export function findBranchedRouters(graph: Graph): BranchedRouters | undefined {
  for (const node of graph.nodes) {
    if (node.op !== 'If') {
      continue;
    }
    const branches = node.proto.attribute.flatMap(({ name, g }) => {
      if (!name || !g) {
        return [];
      }
      const body = new Graph(g, graph.file, graph);
      return [{ attribute: name, graph: body, found: findRouters(body) }];
    });
    if (
      branches.length === 2 &&
      branches[0].found.routers.length > 0 &&
      signature(branches[0]) === signature(branches[1])
    ) {
      const prompt = branchWithoutCache(graph, node);
      return {
        node,
        branches:
          prompt === branches[1].attribute ? branches.reverse() : branches,
        promptFirst: prompt !== undefined
      };
    }
  }
  return undefined;
}

const VIEWS = new Set(['Identity', 'Cast', 'Reshape', 'Squeeze', 'Unsqueeze']);

/** The branch that `use_cache_branch`, as Optimum calls it, chooses when it is false. */
function branchWithoutCache(graph: Graph, node: GraphNode): string | undefined {
  let tensor = node.inputs[0];
  let condition = false;
  while (tensor !== 'use_cache_branch') {
    const made = graph.producer(tensor);
    if (made?.op === 'Not') {
      condition = !condition;
    } else if (!made || !VIEWS.has(made.op)) {
      return undefined;
    }
    tensor = made.inputs[0];
  }
  return condition ? 'then_branch' : 'else_branch';
}

/** What must be the same in both branches for one plan to read either. */
function signature({ found }: Branch): string {
  return JSON.stringify(
    found.routers.map(
      ({
        layer,
        stack,
        module,
        experts,
        topK,
        convention,
        tensors
      }: Router) => [
        layer,
        stack,
        module,
        experts,
        topK,
        convention,
        tensors.selected?.length,
        tensors.weights?.length,
        tensors.denseWeights !== undefined,
        tensors.kept !== undefined
      ]
    )
  );
}

/** Outputs beside those of the routing, which both branches have: see `captureBranches`. */
export interface MoreOutputs {
  /** Adds them to a branch, after what it has. */
  add(body: GraphProto, branch: Branch): GraphProto;
  /** As the If hands them on. */
  outputs: ValueInfoProto[];
}

/** Adds capture to both branches and hands their outputs through the If. */
export function captureBranches(
  graph: GraphProto,
  { node, branches }: Pick<BranchedRouters, 'node' | 'branches'>,
  more: MoreOutputs = { add: body => body, outputs: [] }
): { graph: GraphProto; plan: CapturePlan } {
  const captured = new Map(
    branches.map(branch => {
      const own = captureGraph(
        branch.graph.proto,
        branch.found.routers,
        `${branch.attribute}/`
      );
      return [branch.attribute, { ...own, graph: more.add(own.graph, branch) }];
    })
  );
  const { plan } = [...captured.values()][0];
  const attribute = node.proto.attribute.map((own): AttributeProto => ({
    ...own,
    ...(captured.has(own.name ?? '')
      ? { g: captured.get(own.name ?? '')!.graph }
      : {})
  }));
  const edited = {
    ...node.proto,
    attribute,
    output: [
      ...node.proto.output,
      ...plan.outputs,
      ...more.outputs.map(({ name }) => name ?? '')
    ]
  };
  const kinds = (Object.keys(CAPTURE_OUTPUTS) as CaptureKind[]).filter(kind =>
    plan.outputs.includes(CAPTURE_OUTPUTS[kind])
  );
  return {
    graph: {
      ...graph,
      node: graph.node.map(other => (other === node.proto ? edited : other)),
      output: [
        ...graph.output,
        ...kinds.map(kind => captureOutput(kind, CAPTURE_OUTPUTS[kind])),
        ...more.outputs
      ]
    },
    plan
  };
}
