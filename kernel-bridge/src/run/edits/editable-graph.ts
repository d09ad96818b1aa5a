/** Builds a model's graph with inputs for edits and captured routing. */
import {
  activationTensors,
  type ActivationTensors
} from '../activations/activation-tensors';
import {
  activationOutput,
  activationOutputs,
  captureActivations,
  type ActivationPlan
} from '../activations/capture-activations';
import { MoEDebuggerError } from '../../base/errors';
import { Graph } from '../../onnx/graph/graph';
import type { OnnxModel } from '../../onnx/file/model';
import {
  ELEMENT,
  type GraphProto,
  type TensorProto
} from '../../onnx/file/schema';
import {
  captureBranches,
  type Branch,
  type BranchedRouters
} from '../../routing/branches';
import { captureGraph, type CapturePlan } from '../../routing/capture';
import type { Router } from '../../routing/convention';
import type { FoundRouters } from '../../routing/find-routers';
import { editGraph, type EditedGraph } from './edit-graph';
import { type RouterSlots } from './slots';
import type { StreamSlot } from './slots';

export interface EditableModel {
  onnx: OnnxModel;
  graph: Graph;
  found: FoundRouters;
  branched?: BranchedRouters;
}

export interface CapturedEdits {
  graph: GraphProto;
  /** The routers before the edits. */
  original: Router[];
  plan: CapturePlan;
  routers: Router[];
  slots: RouterSlots[];
  stream: StreamSlot[];
  activations: ActivationPlan;
  /**
   * The graph that holds the routers, without outputs for captures, and with constants in place of the inputs for k: what
   * analyses derive graphs from, whose shapes then depend on no value.
   * @param topK by router
   */
  uncaptured(topK: readonly number[]): Graph;
}

/**
 * @param probed also output the activations between blocks, at the price of memory that onnxruntime could otherwise
 * reuse
 */
export function editableGraph(
  model: EditableModel,
  probed: boolean = false
): CapturedEdits {
  return model.branched
    ? editBranches(model.onnx, model.branched, probed)
    : editWhole(model, probed);
}

const NO_ACTIVATIONS: ActivationTensors = { residual: [], routers: [] };

function editWhole(
  { onnx, graph, found }: EditableModel,
  probed: boolean
): CapturedEdits {
  const edited = editGraph(graph, found, onnx.opset);
  const captured = captureGraph(edited.graph, edited.routers);
  const activations = captureActivations(
    captured.graph,
    probed ? tensorsOf(graph, found, edited) : NO_ACTIVATIONS
  );
  return {
    plan: captured.plan,
    activations: activations.plan,
    original: found.routers,
    ...slotsOf(edited),
    graph: withInputs(activations.graph, edited),
    uncaptured: topK =>
      new Graph(withInputs(edited.graph, edited, topK), graph.file)
  };
}

function editBranches(
  { file, opset, proto }: OnnxModel,
  { node, branches }: BranchedRouters,
  probed: boolean
): CapturedEdits {
  const whole = branches[0].graph.root;
  const bodies = branches.map(branch => {
    const { attribute, graph, found } = branch;
    const edited = editGraph(graph, found, opset, `${attribute}/`);
    const own: Branch = {
      attribute,
      graph: new Graph(edited.graph, graph.file, whole),
      found: { ...found, routers: edited.routers }
    };
    return {
      edited,
      branch: own,
      tensors: probed ? tensorsOf(graph, found, edited) : NO_ACTIVATIONS
    };
  });
  const [{ edited, tensors }, ...others] = bodies;
  if (others.some(other => kinds(other.edited) !== kinds(edited))) {
    throw new MoEDebuggerError(
      'edit',
      'the branches of the graph do not support the same edits',
      {
        where: file,
        hint: 'export the model without merging its decoders'
      }
    );
  }
  const { plan: activations } = captureActivations(edited.graph, tensors);
  const captured = captureBranches(
    proto.graph,
    { node, branches: bodies.map(({ branch }) => branch) },
    {
      add: (body, branch) =>
        captureActivations(
          body,
          bodies.find(own => own.branch === branch)!.tensors,
          `${branch.attribute}/`
        ).graph,
      outputs: activationOutputs(activations).map(activationOutput)
    }
  );
  return {
    plan: captured.plan,
    activations,
    original: branches[0].found.routers,
    ...slotsOf(edited),
    graph: withInputs(captured.graph, edited),
    uncaptured: topK =>
      new Graph(
        edited.graph,
        file,
        new Graph(withInputs(proto.graph, edited, topK), file)
      )
  };
}

function tensorsOf(
  graph: Graph,
  { routers, blocks }: FoundRouters,
  { stream }: EditedGraph
): ActivationTensors {
  return activationTensors(
    graph,
    routers,
    blocks,
    stream.map(({ branch }) => branch)
  );
}

function slotsOf({
  routers,
  slots,
  stream
}: EditedGraph): Pick<CapturedEdits, 'routers' | 'slots' | 'stream'> {
  return { routers, slots, stream };
}

/** @param topK by router: constants that take the place of the inputs for k */
function withInputs(
  graph: GraphProto,
  { inputs, slots }: EditedGraph,
  topK: readonly number[] = []
): GraphProto {
  const constants = new Map(
    topK.flatMap((k, i) => {
      const slot = slots[i].topK;
      return 'input' in slot ? [[slot.input, listOf(k)] as const] : [];
    })
  );
  return {
    ...graph,
    input: [
      ...graph.input,
      ...inputs.filter(({ name = '' }) => !constants.has(name))
    ],
    initializer: [
      ...graph.initializer,
      ...[...constants].map(([name, values]) => ({ ...values, name }))
    ]
  };
}

function listOf(k: number): TensorProto {
  return {
    dims: [1],
    dataType: ELEMENT.int64,
    int64Data: [k],
    floatData: [],
    int32Data: [],
    doubleData: [],
    uint64Data: [],
    externalData: []
  };
}

/** The edits that each router and block supports, as text for comparison. */
function kinds({ slots, stream }: EditedGraph): string {
  return JSON.stringify([slots, stream.map(({ residual }) => residual)]);
}
