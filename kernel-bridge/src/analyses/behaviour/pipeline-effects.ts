/**
 * First-order effect of an expert's output on the score of the expert that follows it: the gradient of the later
 * router's logit by what the earlier expert added to the same token, times what it added. The logit is taken relative
 * to the router's mean logit, since neither softmax nor top-k depends on the mean.
 */
import type { Progress } from '../../base/progress';
import { gradientsOf } from '../../run/gradients/gradients-of';
import { mayBatch } from '../attribution/batches';
import { giveCredit, type Credit } from '../attribution/credit';
import { routedTensors } from '../attribution/routing-tensors';
import { cancellable } from '../../run/engine/cancel';
import { MoEDebuggerError } from '../../base/errors';
import type { Place } from '../findings/finding';
import type { GradientSession } from '../../run/gradients/gradient-session';
import { studentInterval } from '../../base/statistics/intervals';
import { mean } from '../../base/statistics/summary';
import type { Runnable } from '../../run/model/runnable';
import type { TokenizedPrompt } from '../../run/model/prompt';
import { ELEMENT } from '../../onnx/file/schema';
import {
  layerName,
  type ExpertPlace,
  type RoutingSample
} from '../../base/protocol';
import type { PipelineStep } from './expert-pipelines';

/** In units of the later router's logits, relative to their mean. */
export interface StepEffect {
  /** Mean over tokens that select both, with its 95 % interval by Student's t; the interval is null for one token. */
  mean: number;
  low: number | null;
  high: number | null;
  tokens: number;
  /** The same for the other experts that the earlier layer selected for these tokens; null if there are none. */
  others: number | null;
}

/** A token of a prompt. */
interface Spot {
  prompt: number;
  position: number;
}

type Credits = NonNullable<Credit['experts']>;

export interface EffectOptions {
  /** Maximum number of tokens to measure each step on. */
  tokens: number;
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

/**
 * @param samples of the prompts, in the same order
 * @returns one per step; undefined where the later score does not depend on the earlier expert's weight
 * @throws MoEDebuggerError 'gradient' or 'model-unsupported' if the graph cannot be differentiated; 'cancelled'
 */
export async function stepEffects(
  model: Runnable,
  prompts: readonly TokenizedPrompt[],
  samples: readonly RoutingSample[],
  steps: readonly PipelineStep[],
  { tokens, signal, onProgress }: EffectOptions
): Promise<(StepEffect | undefined)[]> {
  const spots = steps.map(step => spread(meetings(samples, step), tokens));
  // Steps that end in the same expert at the same token share one gradient.
  const wanted = new Map<string, Question>();
  steps.forEach(({ to }, i) =>
    spots[i].forEach(spot =>
      wanted.set(keyOf(to, spot), { ...spot, expert: to.expert, router: to })
    )
  );
  const targets = new Map<string, Target>();
  const credits = new Map<string, Credits>();
  for (const batch of batches([...wanted.values()], mayBatch(model))) {
    const [{ router, prompt }] = batch;
    const name = layerName(router);
    const target =
      targets.get(name) ?? (await targetOf(model, steps, router, signal));
    targets.set(name, target);
    const found = await cancellable(
      creditsOf(target, prompts[prompt], batch),
      signal
    );
    batch.forEach((question, i) =>
      credits.set(
        keyOf({ ...router, expert: question.expert }, question),
        found[i]
      )
    );
    onProgress?.({
      done: credits.size,
      total: wanted.size,
      what: 'measuring effects'
    });
  }
  return steps.map((step, i) =>
    summarise(
      step,
      spots[i].flatMap(spot => credits.get(keyOf(step.to, spot)) ?? [])
    )
  );
}

/** An expert's score at a token. */
interface Question extends Spot {
  router: Place;
  expert: number;
}

function keyOf(
  { expert, ...place }: ExpertPlace,
  { prompt, position }: Spot
): string {
  return `${layerName(place)}:${expert} ${prompt}:${position}`;
}

/** Groups the questions of one router and one prompt that one run answers. */
function batches(
  questions: readonly Question[],
  together: boolean
): Question[][] {
  const groups = new Map<string, Question[]>();
  for (const question of questions) {
    const key = `${layerName(question.router)} ${question.prompt}`;
    groups.set(key, [...(groups.get(key) ?? []), question]);
  }
  const size = together ? BATCH : 1;
  return [...groups.values()].flatMap(group =>
    Array.from({ length: Math.ceil(group.length / size) }, (_, i) =>
      group.slice(i * size, (i + 1) * size)
    )
  );
}

/** Entries per run: larger batches were slower. */
const BATCH = 8;

/** Attribution to experts of the same token, one list per question. */
async function creditsOf(
  { session, routed, rank, experts }: Target,
  sequence: TokenizedPrompt,
  questions: readonly Question[]
): Promise<Credits[]> {
  const tokens = sequence.decoderIds?.length ?? sequence.ids.length;
  const weights = new Float32Array(questions.length * tokens * experts);
  questions.forEach(({ position, expert }, entry) => {
    const start = (entry * tokens + position) * experts;
    weights.fill(-1 / experts, start, start + experts);
    weights[start + expert] += 1;
  });
  const found = await giveCredit(
    session,
    {
      sequence,
      scales: questions.map(() => 1),
      weights: {
        type: 'float32',
        dims:
          rank === 3
            ? [questions.length, tokens, experts]
            : [questions.length * tokens, experts],
        data: weights
      }
    },
    routed,
    { joins: [] }
  );
  return questions.map(({ position }, entry) =>
    (found.experts ?? []).filter(
      own => own.position === entry * tokens + position
    )
  );
}

interface Target {
  session: GradientSession;
  /** Rank of the logits tensor: [batch, tokens, experts] or [batch * tokens, experts]. */
  rank: number;
  experts: number;
  routed: ReturnType<typeof routedTensors>;
}

/** The later router's logits, differentiated by the weights of the earlier routers that steps begin at. */
async function targetOf(
  model: Runnable,
  steps: readonly PipelineStep[],
  to: Place,
  signal?: AbortSignal
): Promise<Target> {
  const name = layerName(to);
  const before = new Set(
    steps
      .filter(step => layerName(step.to) === name)
      .map(({ from }) => layerName(from))
  );
  const gradients = gradientsOf(model);
  const prepared = await cancellable(gradients.prepare(), signal);
  const { tensors, experts } = model.routers.find(
    own => layerName(own) === name
  )!;
  if (prepared.facts.type(tensors.logits) !== ELEMENT.float) {
    throw new MoEDebuggerError(
      'gradient',
      `the router logits of ${name} are not float32`,
      { where: tensors.logits, hint: 'export the model in float32' }
    );
  }
  const routed = routedTensors(model, prepared, tensors.logits).filter(
    ({ router }) => before.has(layerName(router))
  );
  const by = routed.flatMap(({ weights }) => weights);
  const session = await cancellable(
    gradients.session({
      kind: 'sum',
      tensor: tensors.logits,
      by,
      tensors: [
        ...new Set([...by, ...routed.flatMap(({ selected }) => selected)])
      ]
    }),
    signal
  );
  return {
    session,
    routed,
    experts,
    rank: prepared.facts.rank(tensors.logits)
  };
}

/** Tokens that select both experts of a step. */
function meetings(
  samples: readonly RoutingSample[],
  { from, to }: PipelineStep
): Spot[] {
  return samples.flatMap((sample, prompt) => {
    const [earlier, later] = [from, to].map(place => {
      const layer = sample.layers.find(
        own => layerName(own) === layerName(place)
      );
      return new Set(
        layer
          ? [...layer.selected.keys()]
              .filter(slot => layer.selected[slot] === place.expert)
              .map(slot => Math.floor(slot / layer.topK))
          : []
      );
    });
    return [...earlier]
      .filter(position => later.has(position))
      .map(position => ({ prompt, position }));
  });
}

/** A subset, spread evenly. */
function spread<T>(items: readonly T[], count: number): T[] {
  const taken = Math.min(items.length, count);
  return Array.from(
    { length: taken },
    (_, i) => items[Math.floor(((i + 0.5) * items.length) / taken)]
  );
}

function summarise(
  { from }: PipelineStep,
  credits: Credits
): StepEffect | undefined {
  const here = credits.filter(own => layerName(own) === layerName(from));
  const values = here
    .filter(({ expert }) => expert === from.expert)
    .map(({ attribution }) => attribution);
  const others = here
    .filter(({ expert }) => expert !== from.expert)
    .map(({ attribution }) => attribution);
  if (values.length === 0) {
    return undefined;
  }
  const interval = studentInterval(values);
  return {
    mean: mean(values),
    low: interval?.low ?? null,
    high: interval?.high ?? null,
    tokens: values.length,
    others: others.length === 0 ? null : mean(others)
  };
}
