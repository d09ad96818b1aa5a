/** Compares what a loaded model routes with what the original program did. */
import type { MoEModel, RoutingLayer, RoutingTrace } from '../src';
import type { Truth, TruthPrompt } from './zoo';

/** Largest absolute differences over all prompts and layers. */
export interface Differences {
  routerLogits: number;
  weights: number;
  outputLogits: number;
  /** Tokens of layers whose selected experts are not those of the truth, in words. */
  selection: string[];
  /** Rows compared, one a token and layer. */
  rows: number;
  /** Rows whose logits are not finite in the truth: they have no order, so only the logits are compared. */
  nonFinite: number;
}

export async function compareWithTruth(
  model: MoEModel,
  truth: Truth
): Promise<Differences> {
  const differences: Differences = {
    routerLogits: 0,
    weights: 0,
    outputLogits: 0,
    selection: [],
    rows: 0,
    nonFinite: 0
  };
  for (const [i, prompt] of truth.prompts.entries()) {
    const trace = await model.trace(prompt.prompt, { logits: 'all' });
    comparePrompt(trace, prompt, i, differences);
  }
  return differences;
}

function comparePrompt(
  trace: RoutingTrace,
  prompt: TruthPrompt,
  index: number,
  differences: Differences
): void {
  const [sample] = trace.samples;
  if (sample.layers.length !== prompt.routers.length) {
    throw new Error(
      `${sample.layers.length} routers were captured where the original has ${prompt.routers.length}`
    );
  }
  const logits = trace.outputLogits.get(sample.id)!;
  differences.outputLogits = Math.max(
    differences.outputLogits,
    largestDifference(logits.data, prompt.logits)
  );
  sample.layers.forEach((layer, j) => {
    compareLayer(
      layer,
      prompt.routers[j],
      `prompt ${index}, router ${j}`,
      differences
    );
  });
}

function compareLayer(
  layer: RoutingLayer,
  truth: TruthPrompt['routers'][number],
  where: string,
  differences: Differences
): void {
  const { experts, topK } = layer;
  differences.routerLogits = Math.max(
    differences.routerLogits,
    largestDifference(layer.logits, truthScores(layer, truth.logits))
  );
  for (let t = 0; t < truth.selected.length / topK; t++) {
    differences.rows++;
    if (
      !truth.logits
        .subarray(t * experts, (t + 1) * experts)
        .every(Number.isFinite)
    ) {
      differences.nonFinite++;
      continue;
    }
    const ours = pairs(layer.selected, layer.weights, t, topK);
    const theirs = pairs(truth.selected, truth.weights, t, topK);
    if (
      ours.length !== theirs.length ||
      ours.some(([expert], k) => expert !== theirs[k][0])
    ) {
      differences.selection.push(
        `${where}, token ${t}: ${ours.map(([e]) => e).join(',')} for ${theirs.map(([e]) => e).join(',')}`
      );
      continue;
    }
    ours.forEach(([, weight], k) => {
      differences.weights = Math.max(
        differences.weights,
        difference(weight, theirs[k][1])
      );
    });
  }
}

/** Where a graph holds nothing but probabilities, they are compared with the softmax of the recorded logits. */
function truthScores(
  { logitsAre, experts }: RoutingLayer,
  logits: Float32Array
): Float32Array {
  if (logitsAre === 'logits') {
    return logits;
  }
  const scores = Float32Array.from(logits);
  for (let start = 0; start < scores.length; start += experts) {
    const row = scores.subarray(start, start + experts);
    const peak = Math.max(...row);
    const sum = row.reduce((all, x) => all + Math.exp(x - peak), 0);
    row.forEach((x, e) => (row[e] = Math.exp(x - peak) / sum));
  }
  return scores;
}

/** (expert, weight) of one token by expert: the order within k has no meaning. */
function pairs(
  selected: Int32Array,
  weights: Float32Array,
  token: number,
  topK: number
): [expert: number, weight: number][] {
  return Array.from({ length: topK }, (_, k): [number, number] => [
    selected[token * topK + k],
    weights[token * topK + k]
  ]).sort(([a], [b]) => a - b);
}

function largestDifference(ours: Float32Array, theirs: Float32Array): number {
  if (ours.length !== theirs.length) {
    return Infinity;
  }
  let largest = 0;
  for (let i = 0; i < ours.length; i++) {
    largest = Math.max(largest, difference(ours[i], theirs[i]));
  }
  return largest;
}

/** Zero for values that are not finite in the same way, infinite when only one of them is. */
function difference(a: number, b: number): number {
  if (Object.is(a, b) || a === b) {
    return 0;
  }
  const both = Number.isFinite(a) && Number.isFinite(b);
  return both ? Math.abs(a - b) : Infinity;
}
