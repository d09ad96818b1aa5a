/** From a model as it was read to its graph with inputs for edits and its routing captured. */
import { MoEDebuggerError } from '../errors';
import { Graph } from '../graph/graph';
import type { OnnxModel } from '../onnx/model';
import type { GraphProto } from '../onnx/schema';
import { captureBranches, type BranchedRouters } from '../routing/branches';
import { captureGraph, type CapturePlan } from '../routing/capture';
import type { Router } from '../routing/convention';
import type { FoundRouters } from '../routing/find-routers';
import { editGraph, type EditedGraph, type RouterSlots } from './edit-graph';
import type { StreamSlot } from './stream-input';

export interface EditableModel {
  onnx: OnnxModel;
  graph: Graph;
  found: FoundRouters;
  branched?: BranchedRouters;
}

export interface CapturedEdits {
  graph: GraphProto;
  plan: CapturePlan;
  routers: Router[];
  slots: RouterSlots[];
  stream: StreamSlot[];
}

export function editableGraph({
  onnx,
  graph,
  found,
  branched
}: EditableModel): CapturedEdits {
  const { opset, proto } = onnx;
  if (!branched) {
    const edited = editGraph(graph, found, opset);
    const captured = captureGraph(edited.graph, edited.routers);
    return {
      plan: captured.plan,
      routers: edited.routers,
      slots: edited.slots,
      stream: edited.stream,
      graph: withInputs(captured.graph, edited)
    };
  }
  const whole = branched.branches[0].graph.root;
  const bodies = branched.branches.map(branch => {
    const { attribute } = branch;
    const edited = editGraph(
      branch.graph,
      branch.found,
      opset,
      `${attribute}/`
    );
    return {
      edited,
      branch: {
        attribute,
        graph: new Graph(edited.graph, branch.graph.file, whole),
        found: { ...branch.found, routers: edited.routers }
      }
    };
  });
  const captured = captureBranches(proto.graph, {
    node: branched.node,
    branches: bodies.map(({ branch }) => branch)
  });
  const [{ edited }, ...others] = bodies;
  if (others.some(other => kinds(other.edited) !== kinds(edited))) {
    throw new MoEDebuggerError(
      'edit',
      'the branches of the graph do not take the same edits',
      {
        where: onnx.file,
        hint: 'export the model without merging its decoders'
      }
    );
  }
  return {
    plan: captured.plan,
    routers: edited.routers,
    slots: edited.slots,
    stream: edited.stream,
    graph: withInputs(captured.graph, edited)
  };
}

function withInputs(graph: GraphProto, { inputs }: EditedGraph): GraphProto {
  return { ...graph, input: [...graph.input, ...inputs] };
}

/** What each router takes, as a text to compare. */
function kinds({ slots, stream }: EditedGraph): string {
  return JSON.stringify([slots, stream]);
}
