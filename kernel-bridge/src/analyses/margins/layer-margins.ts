/** Selection margins of a layer's tokens, from what the trace holds and the edits of its run. */
import type { RoutingLayer, Token } from '../../base/protocol';
import type { EditRecord } from '../../run/edits/edits';
import { applyScore } from '../../base/statistics/scores';
import type { Convention } from '../../routing/convention';
import { selectionMargin } from '../../routing/selection-margin';
import { chosenBy, editsOfRouter } from './edited-logits';

/** A layer in one run. */
export interface LayerRun {
  layer: RoutingLayer;
  tokens: readonly Token[];
  convention?: Convention;
  edits: readonly EditRecord[];
}

/**
 * Between the k-th and the (k+1)-th expert of each token, in the layer's scale (`marginScale`); NaN where it is unknown.
 * @param indices of tokens
 */
export function layerMargins(
  run: LayerRun,
  indices: ArrayLike<number>
): Float32Array {
  const { layer, convention } = run;
  const rowOf = decidingRows(run);
  return Float32Array.from(indices, token => {
    const row = rowOf(token);
    return row
      ? selectionMargin(row, layer.topK, layer.logitsAre, convention)
      : NaN;
  });
}

/**
 * The best expert that each token did not choose; -1 where it is unknown, and where groups of experts decide.
 * @param indices of tokens
 */
export function nextExperts(
  run: LayerRun,
  indices: ArrayLike<number>
): Int32Array {
  const { layer, convention } = run;
  const { selected, topK } = layer;
  if (convention?.groups) {
    return new Int32Array(indices.length).fill(-1);
  }
  const rowOf = decidingRows(run);
  const scored = withBias(layer, convention);
  return Int32Array.from(indices, token => {
    const row = rowOf(token);
    if (!row) {
      return -1;
    }
    const values = scored(row);
    const chosen = selected.subarray(token * topK, (token + 1) * topK);
    let best = -1;
    for (let expert = 0; expert < values.length; expert++) {
      if (
        !chosen.includes(expert) &&
        (best < 0 || values[expert] > values[best])
      ) {
        best = expert;
      }
    }
    return best;
  });
}

/** A token's logits after edits; undefined where they do not explain its choice. */
function decidingRows({
  layer,
  tokens,
  convention,
  edits
}: LayerRun): (token: number) => Float32Array | undefined {
  const own = editsOfRouter(edits, layer);
  return token => {
    const row = chosenBy(layer, token, tokens[token].position, own);
    // Without a known convention the margin is valid only if the logits explain the selection.
    return row && (convention || explains(row, layer, token)) ? row : undefined;
  };
}

/** What orders the experts: logits, or scores with the selection bias. */
function withBias(
  { logitsAre }: RoutingLayer,
  convention: Convention | undefined
): (row: Float32Array) => Float32Array {
  const bias = convention?.selectionBias;
  return row =>
    bias
      ? (logitsAre === 'logits' ? applyScore(row, convention.score) : row).map(
          (value, expert) => value + bias[expert]
        )
      : row;
}

function explains(
  row: Float32Array,
  { selected, topK }: RoutingLayer,
  token: number
): boolean {
  const chosen = selected.subarray(token * topK, (token + 1) * topK);
  const least = chosen.reduce((min, e) => Math.min(min, row[e]), Infinity);
  return row.every((value, e) => chosen.includes(e) || value <= least);
}
