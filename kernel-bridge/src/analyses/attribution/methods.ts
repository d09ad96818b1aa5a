/** The methods by which a target is attributed to embeddings. */
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

/** What is to be explained, and by what. */
export interface Question {
  session: GradientSession;
  /** The value and the choices alone, where many places are to be looked at. */
  forward?: GradientSession;
  run: GradientRun;
  /** Tokens of the prompt that is explained. */
  tokens: number;
  /** Routers whose choice the target depends on. */
  routed: readonly RoutedTensors[];
  steps: number;
  rule: QuadratureRule;
  adaptive: boolean;
  batches: BatchOptions;
  onProgress?: (progress: Progress) => void;
}

export interface Explained {
  /** One number a token. */
  tokens: number[];
  /** [tokens, width]; empty where a method knows tokens only. */
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

/** (embeddings - baseline) times the integral of the gradient along the straight way between them. */
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

/** Places that may be looked at for changes of the routing, a step. */
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

/** How far the target falls when one token's embedding becomes the baseline's. */
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

/** A gradient of [tokens, width] times what the embeddings are above the baseline. */
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
  // The baseline has a row for each token, or one for all.
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
