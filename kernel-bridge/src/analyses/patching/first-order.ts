/**
 * Attribution patching: the first-order effect on the target of patching each activation, from one backward pass:
 * (patched activation - own activation) times the gradient (Nanda 2023; Syed et al. 2023, arXiv:2310.10348; Kramár et
 * al. 2024, arXiv:2403.00745).
 */
import { cancellable } from '../../run/engine/cancel';
import { toFloat32 } from '../../run/engine/tensor-values';
import type { GradientRun } from '../../run/gradients/gradient-session';
import { checkMemory } from '../../run/gradients/memory';
import type { DerivedGraph } from '../../run/gradients/model-gradients';
import type { PatchDirection } from '../../base/protocol';
import { valuesOf, type PatchNode } from './patch-nodes';
import type { RecordedRun, TwoRuns } from './two-runs';

/** The run that is patched, and the run that the patches come from. */
export function between(
  { clean, corrupted }: Pick<TwoRuns, 'clean' | 'corrupted'>,
  direction: PatchDirection
): { base: RecordedRun; other: RecordedRun } {
  return direction === 'noising'
    ? { base: clean, other: corrupted }
    : { base: corrupted, other: clean };
}

/** For each node the effect at each token, [tokens]; null if the target has no gradient there. */
export async function firstOrderEffects(
  runs: TwoRuns,
  nodes: readonly PatchNode[],
  options: FirstOrderOptions
): Promise<(Float64Array | null)[]> {
  const { base, other } = between(runs, options.direction);
  const tokens = base.run.sequence.ids.length;
  const slopes = await meanGradients(
    runs,
    nodes.map(({ tensor }) => tensor),
    options
  );
  return nodes.map(node => {
    const slope = slopes.get(node.tensor);
    return slope
      ? product(slope, valuesOf(node, base), valuesOf(node, other), tokens)
      : null;
  });
}

export interface FirstOrderOptions {
  direction: PatchDirection;
  /** Number of points between the two prompts' embeddings whose gradients are averaged; 1: the gradient of one run. */
  steps: number;
  signal?: AbortSignal;
  onRun?: () => void;
}

/**
 * The target's gradients by tensors, each [tokens, width]: of the patched run, or their mean over runs whose embeddings
 * lie between the two prompts', which is less affected by saturated attention (Hanna et al. 2024, arXiv:2403.17806).
 */
export async function meanGradients(
  runs: TwoRuns,
  by: readonly string[],
  { direction, steps, signal, onRun }: FirstOrderOptions,
  on?: DerivedGraph & { target: string }
): Promise<Map<string, Float64Array>> {
  const { gradients, layout, target, memoryLimit } = runs;
  const { embeddings } = layout.prepared.interpolated;
  const { base } = between(runs, direction);
  const session = await cancellable(
    gradients.session({
      kind: target.kind,
      tensor: on?.target ?? target.tensor,
      by: [...new Set(by)].filter(tensor => tensor !== embeddings),
      ...(on ? { on } : {})
    }),
    signal
  );
  const size = { batch: 1, tokens: base.run.sequence.ids.length };
  checkMemory(session.bytes(size), memoryLimit, size);
  const named = (tensor: string): string =>
    tensor === embeddings ? 'embeddings' : tensor;
  const known = new Set(session.by);
  const wanted = [...new Set(by)].filter(tensor => known.has(named(tensor)));
  const sums = new Map<string, Float64Array>();
  for (const run of steps === 1 ? [base.run] : await way(runs, steps)) {
    const found = await cancellable(
      session.run(run, { gradients: wanted.map(named) }),
      signal
    );
    for (const tensor of wanted) {
      const values = toFloat32(found.gradients.get(named(tensor))!);
      const sum = sums.get(tensor) ?? new Float64Array(values.length);
      values.forEach((x, i) => (sum[i] += x / steps));
      sums.set(tensor, sum);
    }
    onRun?.();
  }
  return sums;
}

/** Runs between the corrupted and the clean prompt, by the midpoint rule. */
async function way(
  { gradients, clean, corrupted }: TwoRuns,
  steps: number
): Promise<GradientRun[]> {
  const [scale] = corrupted.run.scales as readonly number[];
  const baseline =
    scale === 0
      ? corrupted.run.baseline
      : await gradients.embeddings(corrupted.run.sequence.ids);
  return Array.from({ length: steps }, (_, i) => ({
    ...clean.run,
    scales: [(i + 0.5) / steps],
    ...(baseline
      ? {
          baseline: {
            type: 'float32' as const,
            dims: baseline.dims,
            data: toFloat32(baseline)
          }
        }
      : {})
  }));
}

/** Sums slope times (to - from) over the numbers of each token. */
function product(
  slope: Float64Array,
  from: Float32Array,
  to: Float32Array,
  tokens: number
): Float64Array {
  const sums = new Float64Array(tokens);
  const width = slope.length / tokens;
  slope.forEach((x, i) => {
    sums[Math.floor(i / width)] += x * (to[i] - from[i]);
  });
  return sums;
}
