/** Attributes a target of a model to the tokens of a prompt. */
import { gradientsOf } from '../../run/gradients/gradients-of';
import { cancellable } from '../../run/engine/cancel';
import { MoEDebuggerError } from '../../base/errors';
import type { Sequence } from '../../run/model/inputs';
import { editNotes, type Runnable } from '../../run/model/runnable';
import type { Prompt } from '../../run/model/prompt';
import { MAX_STEPS, type AttributionData } from '../../base/protocol';
import { findBlocks } from '../../routing/blocks';
import { Attribution } from './attribution';
import { baselineEmbeddings } from './baseline';
import { mayBatch, runVariants, type BatchOptions } from './batches';
import { creditTensors, giveCredit, type Credit } from './credit';
import { measureFaithfulness } from './faithfulness';
import { explain, type Explained, type Question } from './methods';
import {
  DEFAULT_MEMORY_LIMIT,
  DEFAULT_STEPS,
  type AttributeOptions
} from './options';
import { likeliest, resolveTarget, tokenOf } from './resolve-target';
import { routedTensors, type RoutedTensors } from './routing-tensors';

/**
 * @throws MoEDebuggerError 'input' for an invalid prompt, target or option; 'gradient' naming a node that cannot be
 * differentiated or computes NaN, or when memory would not suffice; 'cancelled'
 */
export async function attribute(
  model: Runnable,
  prompt: Prompt,
  options: AttributeOptions = {}
): Promise<Attribution> {
  const { method = 'ig', baseline = 'zero' } = options;
  const steps = checkSteps(options);
  const tokenized = model.tokenize(prompt);
  const sequence: Sequence = tokenized;
  const asked = options.target ?? { kind: 'logit' as const };
  const target = resolveTarget(model, asked, options.position, tokenized);
  const index = target.index ?? (await likeliest(model, sequence, target));
  const gradients = gradientsOf(model);
  const prepared = await cancellable(gradients.prepare(), options.signal);
  const routed = routedTensors(model, prepared, target.tensor);
  const base = await baselineEmbeddings(
    model,
    gradients,
    baseline,
    tokenized.ids.length
  );
  const request = { kind: target.kind, tensor: target.tensor };
  const watched = {
    ...request,
    tensors: routed.flatMap(({ selected }) => selected)
  };
  const batches: BatchOptions = {
    largest: mayBatch(model) ? Infinity : 1,
    memoryLimit: options.memoryLimit ?? DEFAULT_MEMORY_LIMIT,
    ...(options.batchSize === undefined ? {} : { batch: options.batchSize }),
    ...(options.signal ? { signal: options.signal } : {})
  };
  const question: Question = {
    session: await cancellable(
      gradients.session(
        method === 'occlusion' ? { ...request, forwardOnly: true } : watched
      ),
      options.signal
    ),
    ...(method === 'ig' && options.adaptive
      ? { forward: await gradients.session({ ...watched, forwardOnly: true }) }
      : {}),
    run: {
      sequence,
      position: target.position,
      index,
      ...(base ? { baseline: base } : {})
    },
    tokens: tokenized.ids.length,
    routed,
    steps,
    rule: options.rule ?? 'gauss-legendre',
    adaptive: options.adaptive ?? false,
    batches,
    ...(options.onProgress ? { onProgress: options.onProgress } : {})
  };
  const explained = await explain(method, question);
  const data: AttributionData = {
    target: {
      kind: asked.kind,
      position: target.position,
      ...(asked.kind === 'router'
        ? {
            layer: asked.layer,
            expert: asked.expert,
            ...(asked.stack ? { stack: asked.stack } : {}),
            ...(asked.module ? { module: asked.module } : {})
          }
        : tokenOf(model, index))
    },
    method,
    baseline,
    ...explained.details,
    tokens: model.tokens(tokenized.ids).map((token, i) => ({
      ...token,
      attribution: explained.tokens[i]
    })),
    value: explained.value,
    baselineValue: explained.baselineValue,
    gap:
      explained.tokens.reduce((sum, x) => sum + x, 0) -
      (explained.value - explained.baselineValue),
    ...(options.faithfulness
      ? { faithfulness: await faithfulness(explained) }
      : {}),
    ...(options.layers ? await credit() : {}),
    warnings: editNotes(model)
  };
  data.warnings.push(...warningsOf(data), ...unfaithful(data));
  return new Attribution(data, explained.embeddings);

  async function faithfulness({ tokens }: Explained) {
    const session = await gradients.session({ ...request, forwardOnly: true });
    return measureFaithfulness(tokens, async kept => {
      const { values } = await runVariants(
        session,
        question.run,
        kept.map(row => ({ scale: row.map(Number) })),
        {},
        batches
      );
      return values;
    });
  }

  async function credit(): Promise<Credit> {
    const blocks = findBlocks(model.graph);
    const { experts, layers } = creditTensors(routed, blocks);
    const by = [...layers, ...experts];
    const session = await gradients.session({
      ...request,
      by,
      tensors: [...new Set([...by, ...selectedOf(routed)])]
    });
    return giveCredit(
      session,
      { ...question.run, scales: [1] },
      routed,
      blocks
    );
  }
}

function selectedOf(routed: readonly RoutedTensors[]): string[] {
  return routed.flatMap(({ selected }) => selected);
}

function checkSteps({ steps = DEFAULT_STEPS }: AttributeOptions): number {
  if (!Number.isInteger(steps) || steps < 1 || steps > MAX_STEPS) {
    throw new MoEDebuggerError(
      'input',
      `invalid number of integration steps ${steps}`,
      { where: 'steps', hint: `give a whole number of 1 to ${MAX_STEPS}` }
    );
  }
  return steps;
}

function warningsOf({
  method,
  gap,
  value,
  baselineValue,
  routingChanges = 0,
  jumps
}: AttributionData): string[] {
  const open = Math.abs(gap) > COMPLETE * Math.abs(value - baselineValue);
  if (method !== 'ig' || !open) {
    return [];
  }
  if (jumps !== undefined) {
    return [
      `the target jumps by ${jumps.toFixed(4)} in total where the routing changes between baseline and prompt; hard top-k has no gradient there, so no token is credited with it and more steps do not close the gap`
    ];
  }
  return routingChanges > 0
    ? [
        `the routing changes ${routingChanges} times between baseline and prompt; hard top-k has no gradient there, so more steps do not close the gap`
      ]
    : ['the gap is large although the routing does not change: use more steps'];
}

/** Whether an order of tokens at random changes the target as much as that of the attributions. */
export function unfaithful({
  faithfulness
}: Pick<AttributionData, 'faithfulness'>): string[] {
  if (!faithfulness) {
    return [];
  }
  const { deletionMean, insertionMean, random } = faithfulness;
  const deletes = deletionMean < random.deletionMean;
  const inserts = insertionMean > random.insertionMean;
  return deletes && inserts
    ? []
    : [
        `${deletes ? 'inserting' : inserts ? 'deleting' : 'deleting and inserting'} tokens in the order of their attributions changes the target no more than in a random order: the attributions are not faithful here`
      ];
}

/** Completeness gap, relative to the total attribution, below which it counts as closed. */
const COMPLETE = 0.01;
