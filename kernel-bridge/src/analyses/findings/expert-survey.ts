/** Surveys a layer's experts: non-finite values, and similarity of weights or outputs. */
import { ExpertWeights } from '../../routing/experts/expert-weights';
import { findExperts, type Expert } from '../../routing/experts';
import {
  concatenate,
  sampledWeights
} from '../../routing/experts/sample-weights';
import type { Graph } from '../../onnx/graph/graph';
import {
  cosineMatrix,
  countNonFinite,
  relativeDifference
} from '../../measures';
import type { OnnxModel } from '../../onnx/file/model';
import type { Blocks } from '../../routing/blocks';
import type { Router } from '../../routing/convention';
import { placeOf, type Place } from './finding';

export interface ExpertSurvey extends Place {
  /** What was compared. Default 'weights'. */
  of?: 'weights' | 'outputs';
  experts: number;
  /** [experts]: number of weights that are not finite */
  nonFinite: Float64Array;
  /** [experts]: number of weights */
  elements: Float64Array;
  /** [experts, experts]: cosine similarity of the weights, from a regular sample if there are many */
  similarity: Float64Array;
  /** Pairs similar enough for a full comparison, i < j. */
  pairs: { experts: [number, number]; relativeDifference: number }[];
}

/** Maximum number of full comparisons per layer; copies of one network are all similar, and the sample shows how much. */
const MAX_PAIRS = 64;
/** Maximum bytes to read: a survey takes seconds, not minutes. */
export const MAX_BYTES = 8 * 2 ** 30;

/**
 * Surveys layer after layer. Skips layers whose experts the graph does not separate, and those beyond `mostBytes` of
 * weights, counted in float32.
 */
export function* surveyExperts(
  { weightsFolder }: Pick<OnnxModel, 'weightsFolder'>,
  graph: Graph,
  routers: readonly Router[],
  blocks: Blocks,
  similarityThreshold: number,
  mostBytes = MAX_BYTES
): Generator<ExpertSurvey> {
  const weights = new ExpertWeights(graph, weightsFolder);
  let left = mostBytes;
  try {
    for (const router of routers) {
      const experts = findExperts(graph, router, blocks);
      left -= (experts ?? []).reduce(
        (sum, expert) => sum + weights.bytes(expert, router.experts),
        0
      );
      if (experts && left >= 0 && experts.some(e => e.weights.length > 0)) {
        yield surveyLayer(weights, router, experts, similarityThreshold);
      }
    }
  } finally {
    weights.close();
  }
}

function surveyLayer(
  weights: ExpertWeights,
  router: Router,
  experts: readonly Expert[],
  threshold: number
): ExpertSurvey {
  const count = router.experts;
  const nonFinite = new Float64Array(count);
  const elements = new Float64Array(count);
  const samples = experts.map((expert, e) => {
    const parts = weights.read(expert, count);
    for (const part of parts) {
      elements[e] += part.length;
      nonFinite[e] += replaceNonFinite(part);
    }
    return sampledWeights(parts);
  });
  const similarity = cosineMatrix(samples);
  const pairs = likePairs(similarity, count, threshold).map(pair => {
    const [a, b] = pair.map(e => {
      const parts = weights.read(experts[e], count);
      parts.forEach(replaceNonFinite);
      return concatenate(parts);
    });
    return { experts: pair, relativeDifference: relativeDifference(a, b) };
  });
  return {
    ...placeOf(router),
    experts: count,
    nonFinite,
    elements,
    similarity,
    pairs
  };
}

/**
 * Surveys the outputs of experts on the same tokens: experts with different weights can compute the same function.
 *
 * @param outputs one per expert, [tokens, width], on the same tokens
 */
export function surveyOutputs(
  place: Place,
  outputs: readonly ArrayLike<number>[],
  similarityThreshold: number
): ExpertSurvey {
  const values = outputs.map(output => Float32Array.from(output));
  const nonFinite = Float64Array.from(values, replaceNonFinite);
  const similarity = cosineMatrix(values);
  return {
    ...placeOf(place),
    of: 'outputs',
    experts: outputs.length,
    nonFinite,
    elements: Float64Array.from(values, ({ length }) => length),
    similarity,
    pairs: likePairs(similarity, outputs.length, similarityThreshold).map(
      ([a, b]) => ({
        experts: [a, b],
        relativeDifference: relativeDifference(values[a], values[b])
      })
    )
  };
}

/** The most similar pairs, with tolerance for the sampling error. */
function likePairs(
  similarity: Float64Array,
  n: number,
  threshold: number
): [number, number][] {
  const pairs: [number, number][] = [];
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) {
      if (similarity[i * n + j] >= threshold - 0.02) {
        pairs.push([i, j]);
      }
    }
  }
  const alike = ([i, j]: [number, number]): number => similarity[i * n + j];
  return pairs.sort((a, b) => alike(b) - alike(a)).slice(0, MAX_PAIRS);
}

/** Replaces values that are not finite with zeros, so that the rest can be compared. @returns their number */
function replaceNonFinite(values: Float32Array): number {
  const found = countNonFinite(values);
  for (let i = 0; found > 0 && i < values.length; i++) {
    if (!Number.isFinite(values[i])) {
      values[i] = 0;
    }
  }
  return found;
}
