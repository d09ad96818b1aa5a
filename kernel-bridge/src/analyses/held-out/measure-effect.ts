/** Measures the effect of a plan's edits on held-out prompts. */
import { probedSession } from '../../run/edits/edited-sessions';
import {
  recordActivations,
  type Activations
} from '../../run/activations/record-activations';
import type { Edits } from '../../run/edits/edits';
import { divergence, logProbability } from '../../base/statistics/logits';
import { jackknife, studentTwoSided95 } from '../../measures';
import type { EditedSession } from '../../run/edits/edited-session';
import type { LoadedModel } from '../../run/model/loaded-model';
import type { TokenizedPrompt } from '../../run/model/prompt';
import { counted, type RoutingLayer } from '../../base/protocol';

/** Means over the tokens of some prompts that have a next token. */
export interface DomainEffect {
  /** Null: prompts without a domain; in `all`, every prompt. */
  domain: string | null;
  prompts: number;
  /** Number of predicted tokens. */
  tokens: number;
  /** Mean negative log-probability of the next token, in nats, of the model and with the plan. */
  loss: number;
  lossWithPlan: number;
  change: number;
  /** Half the width of the change's 95 % jackknife interval over prompts, with Student's t; null for one prompt. */
  changeHalfWidth: number | null;
  /** Mean KL(model || model with the plan) of the next-token distributions, in nats. */
  kl: number;
  /**
   * Tokens without a finite loss: those of the model itself, which are left out of the means, and those that only the plan
   * breaks, which are not. Absent for none.
   */
  notFinite?: { model: number; plan: number };
}

export interface PlanEffect {
  all: DomainEffect;
  /** In order of appearance. */
  domains: DomainEffect[];
}

interface PromptSums {
  domain: string | null;
  tokens: number;
  loss: number;
  lossWithPlan: number;
  kl: number;
  notFinite: { model: number; plan: number };
}

export interface MeasureOptions {
  signal?: AbortSignal;
  onRun: () => void;
  /** Called with each prompt's routing in the model, and with the plan. */
  onRouting?: (
    before: readonly RoutingLayer[],
    after: readonly RoutingLayer[]
  ) => void;
}

/**
 * @param prompts of at least two tokens
 * @throws MoEDebuggerError 'edit' for edits that the graph does not support, 'cancelled'
 */
export async function measureEffect(
  model: LoadedModel,
  prompts: readonly TokenizedPrompt[],
  edits: Edits,
  options: MeasureOptions
): Promise<PlanEffect> {
  const [effect] = await measureEffects(model, prompts, [edits], options);
  return effect;
}

/**
 * Of several plans: each prompt is run once without, and once with each.
 * @throws MoEDebuggerError as `measureEffect`
 */
export async function measureEffects(
  model: LoadedModel,
  prompts: readonly TokenizedPrompt[],
  plans: readonly Edits[],
  { signal, onRun, onRouting }: MeasureOptions
): Promise<PlanEffect[]> {
  const [plain, ...planned] = [{}, ...plans].map(own =>
    probedSession(model).resolve(own)
  );
  const sums = planned.map((): PromptSums[] => []);
  for (const prompt of prompts) {
    const before = await runOf(model, plain, prompt, signal);
    onRun();
    for (const [i, plan] of planned.entries()) {
      const after = await runOf(model, plan, prompt, signal);
      onRun();
      onRouting?.(before.routing, after.routing);
      sums[i].push(compare(prompt, before.logits!, after.logits!));
    }
  }
  return sums.map(summarizeAll);
}

function summarizeAll(sums: readonly PromptSums[]): PlanEffect {
  const domains = [...new Set(sums.map(({ domain }) => domain))];
  return {
    all: summarize(null, sums),
    domains: domains.map(domain =>
      summarize(
        domain,
        sums.filter(own => own.domain === domain)
      )
    )
  };
}

async function runOf(
  model: LoadedModel,
  { run }: ReturnType<EditedSession['resolve']>,
  prompt: TokenizedPrompt,
  signal?: AbortSignal
): Promise<Activations> {
  return recordActivations(
    model,
    await run(),
    prompt,
    { logits: true },
    signal
  );
}

function compare(
  { ids, decoderIds, domain }: TokenizedPrompt,
  before: Float32Array,
  after: Float32Array
): PromptSums {
  const own = decoderIds ?? ids;
  const width = before.length / own.length;
  const sums = {
    domain: domain ?? null,
    tokens: own.length - 1,
    loss: 0,
    lossWithPlan: 0,
    kl: 0,
    notFinite: { model: 0, plan: 0 }
  };
  for (let t = 0; t + 1 < own.length; t++) {
    const [a, b] = [before, after].map(logits =>
      logits.subarray(t * width, (t + 1) * width)
    );
    const [loss, lossWithPlan] = [a, b].map(
      logits => -logProbability(logits, own[t + 1])
    );
    if (!Number.isFinite(loss)) {
      sums.notFinite.model++;
      sums.tokens--;
      continue;
    }
    sums.loss += loss;
    sums.lossWithPlan += lossWithPlan;
    sums.notFinite.plan += Number.isFinite(lossWithPlan) ? 0 : 1;
    sums.kl += divergence(a, b);
  }
  return sums;
}

function summarize(
  domain: string | null,
  prompts: readonly PromptSums[]
): DomainEffect {
  const total = (of: (sums: PromptSums) => number): number =>
    prompts.reduce((sum, own) => sum + of(own), 0);
  const tokens = total(own => own.tokens);
  const loss = total(own => own.loss) / tokens;
  const lossWithPlan = total(own => own.lossWithPlan) / tokens;
  // Of a prompt without a finite loss nothing was measured.
  const measured = prompts.filter(own => own.tokens > 0);
  const { error } = jackknife(
    measured.map(own =>
      Float64Array.of(own.lossWithPlan - own.loss, own.tokens)
    ),
    ([change, count]) => change / count
  );
  const notFinite = {
    model: total(own => own.notFinite.model),
    plan: total(own => own.notFinite.plan)
  };
  return {
    domain,
    prompts: prompts.length,
    tokens,
    loss,
    lossWithPlan,
    change: lossWithPlan - loss,
    changeHalfWidth: Number.isNaN(error)
      ? null
      : studentTwoSided95(measured.length - 1) * error,
    kl: total(own => own.kl) / tokens,
    ...(notFinite.model + notFinite.plan > 0 ? { notFinite } : {})
  };
}

/** What an effect cannot tell, because outputs are NaN or infinite. */
export function effectNotes({ all }: PlanEffect): string[] {
  const { tokens, notFinite } = all;
  const { model = 0, plan = 0 } = notFinite ?? {};
  const of = (count: number, every: number): string =>
    `${count} of ${counted(every, 'predicted token')}`;
  return [
    ...(model > 0
      ? [
          `the model itself has no finite loss on ${of(model, tokens + model)}, which are left out of the effect: diagnose says where its NaN or infinite values come from`
        ]
      : []),
    ...(plan > 0
      ? [
          `with the plan, outputs are NaN or infinite on ${of(plan, tokens)}: it breaks the model there`
        ]
      : [])
  ];
}
