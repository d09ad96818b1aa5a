/** Runs prompts on a model or one of its edited sessions, and reports the traces to the model's observer. */
import { addedCheck } from '../added/check-added';
import type { LoadedModel } from '../model/loaded-model';
import { promptList, type Prompt } from '../model/prompt';
import { observerOf } from '../trace/observer';
import type { RoutingTrace } from '../trace/routing-trace';
import {
  tracePrompts,
  type RunTarget,
  type TraceOptions
} from '../trace/trace-prompts';
import { readEnding } from './ending';
import { generate } from './generate';
import type { Generation } from './generation';
import type { GenerateOptions } from './options';

/** What to run on: `async () => model`, or the result of `EditedSession.resolve`. */
export type Target = () => Promise<RunTarget>;

/**
 * Runs prompts, one forward pass each.
 *
 * @throws MoEDebuggerError 'input' or 'tokenizer' for an invalid prompt, 'capture' when captured routing contradicts the
 * graph, 'cancelled'
 */
export async function traceOn(
  model: LoadedModel,
  target: Target,
  prompts: Prompt | readonly Prompt[],
  options: TraceOptions
): Promise<RoutingTrace> {
  const list = promptList(prompts).map((prompt, i) =>
    model.tokenize(prompt, i)
  );
  const observer = observerOf(model);
  return observer.running(async () => {
    const trace = await tracePrompts(model, target, list, options);
    observer.traced(trace, list[0].label);
    return trace;
  });
}

/**
 * Generates from prompts.
 *
 * @returns one generation per prompt, in the order of the prompts
 * @throws MoEDebuggerError 'input' or 'tokenizer' for an invalid prompt or option, 'capture', 'engine';
 * GenerationCancelled
 */
export async function generateOn(
  model: LoadedModel,
  target: Target,
  prompts: Prompt | readonly Prompt[],
  options: GenerateOptions
): Promise<Generation[]> {
  const list = promptList(prompts).map((prompt, i) =>
    model.tokenize(prompt, i)
  );
  const { name, graph, description, tokenizer, noTokenizer } = model;
  const { inputs, logits, config } = model;
  const observer = observerOf(model);
  return observer.running(async () => {
    if (list.length > 0) {
      await addedCheck(model).run(list[0]);
    }
    return generate(
      {
        name,
        graph,
        description,
        tokenizer,
        noTokenizer,
        inputs,
        logits,
        ...(await runTarget(target)),
        ending: readEnding(config),
        onBegin: running => observer.began(running),
        onGeneration: ({ trace, prompt: label }) =>
          observer.traced(trace, label),
        onFailure: ({ id }) => observer.dropped(id)
      },
      list,
      options
    );
  });
}

async function runTarget(target: Target): Promise<RunTarget> {
  const { session, routers, plan, edits } = await target();
  return { session, routers, plan, edits };
}
