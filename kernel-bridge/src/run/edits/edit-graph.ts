/**
 * Gives every router inputs by which a run edits it, and the residual stream others. With the values that mean nothing
 * (bias 0, scale 1, each expert itself, nothing forced, the model's own k, zeros) the graph computes, bit for bit, what
 * it did before.
 */
import { streamPoints, streamWidth } from '../activations/stream-points';
import type { Graph } from '../../onnx/graph/graph';
import type { ValueInfoProto, GraphProto } from '../../onnx/file/schema';
import type { Router } from '../../routing/convention';
import type { FoundRouters } from '../../routing/find-routers';
import { ChoiceEditor } from './choice-editor';
import { GraphRewriter } from './graph-rewriter';
import { addStreamInputs } from './stream-input';
import { type StreamSlot } from './slots';
import { makeTopKInput } from './top-k-input';
import type { RouterSlots, Slot } from './slots';

export interface EditedGraph {
  graph: GraphProto;
  /** To be added to the inputs of the outermost graph. */
  inputs: ValueInfoProto[];
  /** The same routers, whose experts and weights are those that are left after the edits. */
  routers: Router[];
  slots: RouterSlots[];
  /** One a block. */
  stream: StreamSlot[];
}

/**
 * @param prefix before the names of nodes that are added
 */
export function editGraph(
  graph: Graph,
  { routers, blocks }: FoundRouters,
  opset: number,
  prefix = ''
): EditedGraph {
  const rewriter = new GraphRewriter(graph, opset, prefix);
  const slots: RouterSlots[] = [];
  const edited = routers.map((router, index) => {
    const logits = biasLogits(rewriter, router, index);
    const topK = makeTopKInput(rewriter, router, index, blocks);
    if (router.tensors.selected === null) {
      slots.push({ ...fusedSlots(router), bias: logits, topK });
      return router;
    }
    const editor = new ChoiceEditor(rewriter, router, index);
    const { tensors, ...choice } = editor.edit();
    slots.push({ ...choice, bias: logits, topK });
    return { ...router, tensors };
  });
  const points = streamPoints(blocks);
  const stream = addStreamInputs(
    rewriter,
    points,
    streamWidth(graph, points, routers)
  );
  return {
    graph: rewriter.build(),
    inputs: rewriter.inputs,
    routers: edited,
    slots,
    stream
  };
}

/** All who read the logits read them with the bias added. */
function biasLogits(
  rewriter: GraphRewriter,
  { tensors, experts }: Router,
  index: number
): Slot {
  const { graph } = rewriter;
  const { logits, logitsAre } = tensors;
  if (logitsAre === 'probabilities') {
    return {
      refused: 'one fused node makes its scores, so the graph holds no logits'
    };
  }
  const readers = graph.consumers(logits);
  if (readers.some(({ inputs }) => !inputs.includes(logits))) {
    return { refused: 'its logits are read inside a loop or a branch' };
  }
  const input = rewriter.input(`${index}/bias`, 'float', [
    `edit_bias_${index}`,
    experts
  ]);
  const bias = rewriter.castLike(input, logits);
  const flat = graph.shape(logits)?.length === 2;
  const added = flat
    ? rewriter.add('Add', [logits, bias])
    : rewriter.add('Reshape', [
        rewriter.add('Add', [
          rewriter.add('Reshape', [logits, rewriter.ints(-1, experts)]),
          bias
        ]),
        rewriter.add('Shape', [logits])
      ]);
  readers.forEach(node => rewriter.redirect(node, logits, added));
  return { input };
}

function fusedSlots({
  convention,
  tensors,
  selectors
}: Router): Pick<RouterSlots, 'scale' | 'map' | 'force' | 'forcedByLogits'> {
  const refused = {
    refused: `its ${selectors[0].op} node keeps experts and weights to itself`
  };
  // With all other logits taken away a softmax leaves a weight of exactly 1.
  const byLogits =
    convention.score === 'softmax' &&
    tensors.logitsAre === 'logits' &&
    !convention.selectionBias &&
    !convention.groups;
  return {
    scale: refused,
    map: refused,
    force: refused,
    ...(byLogits ? { forcedByLogits: true } : {})
  };
}
