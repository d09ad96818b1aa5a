/** Adds an input to the residual stream after each block, for additions to it. */
import type { StreamPoint } from '../activations/stream-points';
import type { StreamSlot } from './slots';
import type { GraphRewriter } from './graph-rewriter';

/** Adds to the output of each block's last branch, so that the residual sum stays a single node. */
export function addStreamInputs(
  rewriter: GraphRewriter,
  points: readonly StreamPoint[],
  width: number | undefined
): StreamSlot[] {
  return points.map((point, index) => {
    const { layer, stack, node, branch } = point;
    const place = { layer, ...(stack ? { stack } : {}) };
    if (width === undefined) {
      return {
        ...place,
        width: 0,
        branch,
        residual: {
          refused: 'the graph does not declare the width of its residual stream'
        }
      };
    }
    const input = rewriter.input(`${index}/residual`, 'float', [
      `edit_batch_${index}`,
      `edit_tokens_${index}`,
      width
    ]);
    const rank = rewriter.graph.shape(branch)?.length;
    const laidOut =
      rank === 2
        ? rewriter.add('Reshape', [input, rewriter.ints(-1, width)])
        : input;
    const sum = rewriter.add('Add', [
      branch,
      rewriter.castLike(laidOut, branch)
    ]);
    rewriter.shapeLike(sum, branch);
    rewriter.redirect(node, branch, sum);
    return { ...place, width, branch: sum, residual: { input } };
  });
}
