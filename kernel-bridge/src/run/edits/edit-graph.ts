/**
 * Adds inputs for edits to every router and to the residual stream. With neutral values (bias 0, nothing masked, scale 1, each expert
 * mapped to itself, nothing forced, the model's own k, zeros) the graph computes the same as before, bit for bit.
 */
import { streamPoints, streamWidth } from '../activations/stream-points';
import type { Graph } from '../../onnx/graph/graph';
import type { ValueInfoProto, GraphProto } from '../../onnx/file/schema';
import type { Router } from '../../routing/convention';
import type { FoundRouters } from '../../routing/find-routers';
import { ChoiceEditor } from './choice-editor';
import { GraphRewriter } from './graph-rewriter';
import { editScores } from './score-editor';
import { addStreamInputs } from './stream-input';
import { type StreamSlot } from './slots';
import { makeTopKInput } from './top-k-input';
import type { RouterSlots } from './slots';

export interface EditedGraph {
  graph: GraphProto;
  /** Inputs to add to the outermost graph. */
  inputs: ValueInfoProto[];
  /** The same routers in the edited graph, with the experts and weights after the edits. */
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
    const scores = editScores(rewriter, router, index);
    const topK = makeTopKInput(rewriter, router, index, blocks);
    if (router.tensors.selected === null) {
      slots.push({ ...scores, ...fusedSlots(router), topK });
      return router;
    }
    const { weights, denseWeights } = router.tensors;
    if (weights === null && denseWeights === undefined) {
      const refused = { refused: 'its graph holds no weights of the experts' };
      slots.push({
        ...scores,
        scale: refused,
        map: refused,
        force: refused,
        topK
      });
      return router;
    }
    const editor = new ChoiceEditor(rewriter, router, index);
    const { tensors, ...choice } = editor.edit();
    slots.push({ ...scores, ...choice, topK });
    return { ...router, tensors };
  });
  const points = streamPoints(blocks);
  const stream = addStreamInputs(
    rewriter,
    points,
    streamWidth(graph, points, routers)
  );
  const built = rewriter.build();
  const places = new Map(built.node.map((node, place) => [node, place]));
  return {
    graph: built,
    inputs: rewriter.inputs,
    routers: edited.map(router => ({
      ...router,
      selectors: router.selectors.map(selector => ({
        ...selector,
        index: places.get(rewriter.copyOf(graph.nodes[selector.index]))!
      }))
    })),
    slots,
    stream
  };
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
