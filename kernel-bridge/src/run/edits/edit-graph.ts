/**
 * Adds inputs for edits to every router and to the residual stream. With neutral values (bias 0, scale 1, each expert
 * mapped to itself, nothing forced, the model's own k, zeros) the graph computes the same as before, bit for bit.
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
  /** Inputs to add to the outermost graph. */
  inputs: ValueInfoProto[];
  /** The same routers, with the experts and weights after the edits. */
  routers: Router[];
  slots: RouterSlots[];
  /** One per block. */
  stream: StreamSlot[];
}

/**
 * @param prefix of the names of added nodes
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

/** Adds the bias to the logits for all readers. */
function biasLogits(
  rewriter: GraphRewriter,
  { tensors, experts }: Router,
  index: number
): Slot {
  const { graph } = rewriter;
  const { logits, logitsAre } = tensors;
  if (logitsAre === 'probabilities') {
    return {
      refused:
        'a fused node computes its scores, so the graph contains no logits'
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
    refused: `its ${selectors[0].op} node does not output experts and weights`
  };
  // With all other logits masked, softmax gives the expert a weight of exactly 1.
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
