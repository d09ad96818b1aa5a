/**
 * Routers inside the branches of an If: an exporter that merges a decoder with and without a KV cache into one file
 * puts the whole model into both. Each branch gets capture outputs, which become outputs of the If.
 */
import { Graph, type GraphNode } from '../onnx/graph/graph';
import { passedOn } from '../onnx/graph/no-ops';
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
  /** The first branch is known to be the one without a KV cache, which whole prompts run through. */
  promptFirst: boolean;
}

/** Finds the If whose branches have the same routers; undefined when there is none. */
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

/** The branch that runs when Optimum's input `use_cache_branch` is false; undefined for another condition. */
function branchWithoutCache(graph: Graph, node: GraphNode): string | undefined {
  let tensor = node.inputs[0];
  let condition = false;
  while (tensor !== 'use_cache_branch') {
    const made = graph.producer(tensor);
    const next =
      made?.op === 'Not' ? made.inputs[0] : made && passedOn(graph, made);
    if (next === undefined) {
      return undefined;
    }
    condition = made?.op === 'Not' ? !condition : condition;
    tensor = next;
  }
  return condition ? 'then_branch' : 'else_branch';
}

/** What must be equal in both branches, so that one capture plan reads either. */
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
        tensors.applied !== undefined,
        tensors.kept !== undefined
      ]
    )
  );
}

/** Outputs of both branches besides those of the routing. */
export interface MoreOutputs {
  /** Appends them to the outputs of a branch. */
  add(body: GraphProto, branch: Branch): GraphProto;
  /** Their declarations as outputs of the If. */
  outputs: ValueInfoProto[];
}

/** Adds capture outputs to both branches and to the If. */
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
