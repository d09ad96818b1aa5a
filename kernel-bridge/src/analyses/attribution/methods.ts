/** The attribution methods. */
import type { Progress } from '../../base/progress';
import { toFloat32 } from '../../run/engine/tensor-values';
import type {
  GradientRun,
  GradientSession
} from '../../run/gradients/gradient-session';
import type {
  AttributionData,
  AttributionMethod,
  QuadratureRule
} from '../../base/protocol';
import { runVariants, type BatchOptions, type Variant } from './batches';
import { composite, countChanges, findBreaks, type PathPoint } from './path';
import { quadrature } from './quadrature';
import { choicesOf, type RoutedTensors } from './routing-tensors';

/** Inputs of an attribution. */
export interface Question {
  session: GradientSession;
  /** Computes only the target and the routing, for evaluating many points. */
  forward?: GradientSession;
  run: GradientRun;
  /** Length of the prompt that is explained. */
  tokens: number;
  /** Routers that the target depends on. */
  routed: readonly RoutedTensors[];
  steps: number;
  rule: QuadratureRule;
  adaptive: boolean;
  batches: BatchOptions;
  onProgress?: (progress: Progress) => void;
}

export interface Explained {
  /** One value per token. */
  tokens: number[];
  /** [tokens, width]; empty for methods that work on whole tokens. */
  embeddings: Float32Array;
  value: number;
  baselineValue: number;
  details: Partial<AttributionData>;
}

export function explain(
  method: AttributionMethod,
  question: Question
): Promise<Explained> {
  switch (method) {
    case 'ig':
      return integratedGradients(question);
    case 'grad-input':
      return gradientTimesInput(question);
    case 'occlusion':
      return occlusion(question);
  }
}

/** (embeddings - baseline) times the integral of the gradient along the straight line between them. */
async function integratedGradients(question: Question): Promise<Explained> {
  const { session, run, routed, rule, steps, adaptive, batches } = question;
  const ends = await valuesAt(question, [1, 0]);
  const found = adaptive
    ? await findBreaks(
        places => lookAt(question, places),
        steps,
        ADAPTIVE_BUDGET * steps
      )
    : undefined;
  const { nodes, weights } = found
    ? composite(rule, steps, found.breaks)
    : quadrature(rule, steps);
  const { sum, runs, batch } = await runVariants(
    session,
    run,
    nodes.map((scale, i): Variant => ({ scale, weight: weights[i] })),
    { sum: true, tensors: selectedOf(routed) },
    { ...batches, onRun: progress(question, nodes.length) }
  );
  const seen = runs.flatMap(({ values, entries }) =>
    choicesOf(values, entries, routed)
  );
  return {
    ...(await credited(question, sum!)),
    value: ends[0],
    baselineValue: ends[1],
    details: {
      rule,
      steps: nodes.length,
      batch,
      routingChanges: seen
        .slice(1)
        .reduce((count, own, i) => count + countChanges(seen[i], own), 0),
      ...(found ? { jumps: found.jumps, resolved: found.complete } : {})
    }
  };
}

/** Points per step that may be evaluated to find routing changes. */
const ADAPTIVE_BUDGET = 32;

async function gradientTimesInput(question: Question): Promise<Explained> {
  const { session, run, batches } = question;
  const [, baselineValue] = await valuesAt(question, [1, 0]);
  const { sum, values } = await runVariants(
    session,
    run,
    [{ scale: 1, weight: 1 }],
    { sum: true },
    { ...batches, onRun: progress(question, 1) }
  );
  return {
    ...(await credited(question, sum!)),
    value: values[0],
    baselineValue,
    details: {}
  };
}

/** Drop of the target when one token's embedding is replaced with the baseline's. */
async function occlusion(question: Question): Promise<Explained> {
  const { session, run, tokens, batches } = question;
  const places = Array.from({ length: tokens }, (_, t) => t);
  const whole = places.map(() => 1);
  const { values, batch } = await runVariants(
    session,
    run,
    [
      { scale: whole },
      { scale: places.map(() => 0) },
      ...places.map(t => ({ scale: whole.map((_, i) => (i === t ? 0 : 1)) }))
    ],
    {},
    { ...batches, onRun: progress(question, tokens + 2) }
  );
  const [value, baselineValue, ...without] = values;
  return {
    tokens: without.map(other => value - other),
    embeddings: new Float32Array(),
    value,
    baselineValue,
    details: { batch }
  };
}

async function valuesAt(
  { session, run, batches }: Question,
  scales: readonly number[]
): Promise<number[]> {
  const { values } = await runVariants(
    session,
    run,
    scales.map(scale => ({ scale })),
    {},
    { ...batches, batch: 1 }
  );
  return values;
}

async function lookAt(
  { session, forward = session, run, routed, batches }: Question,
  places: number[]
): Promise<PathPoint[]> {
  const { values, runs } = await runVariants(
    forward,
    run,
    places.map(scale => ({ scale })),
    { tensors: selectedOf(routed) },
    batches
  );
  const choices = runs.flatMap(({ values: own, entries }) =>
    choicesOf(own, entries, routed)
  );
  return places.map((at, i) => ({ at, value: values[i], routing: choices[i] }));
}

/** Gradient [tokens, width] times (embeddings - baseline). */
async function credited(
  { session, run, tokens }: Question,
  gradient: Float64Array
): Promise<Pick<Explained, 'tokens' | 'embeddings'>> {
  const { embeddings } = await session.run(
    { ...run, scales: [1] },
    { embeddings: true }
  );
  const own = toFloat32(embeddings!);
  const width = own.length / tokens;
  const base = run.baseline?.data as Float32Array | undefined;
  // The baseline has one row per token, or one for all.
  const credit = Float32Array.from(
    gradient,
    (g, i) => g * (own[i] - (base ? base[i % base.length] : 0))
  );
  return {
    embeddings: credit,
    tokens: Array.from({ length: tokens }, (_, t) =>
      credit.subarray(t * width, (t + 1) * width).reduce((sum, x) => sum + x, 0)
    )
  };
}

function selectedOf(routed: readonly RoutedTensors[]): string[] {
  return routed.flatMap(({ selected }) => selected);
}

function progress(
  { onProgress }: Question,
  total: number
): (entries: number) => void {
  let done = 0;
  return entries => {
    done += entries;
    onProgress?.({ done, total });
  };
}
