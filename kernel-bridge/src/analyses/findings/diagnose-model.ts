/** Diagnoses a loaded model: runs prompts and inspects the weights of its experts. */
import type { StreamProgress } from '../../base/progress';
import { MoEDebuggerError } from '../../base/errors';
import type { Displayable } from '../../base/kernel-api';
import type { LoadedModel, ModelHandle } from '../../run/model/loaded-model';
import {
  promptList,
  type Prompt,
  type PromptObject,
  type TokenizedPrompt
} from '../../run/model/prompt';
import { tracePrompts, type RunTarget } from '../../run/trace/trace-prompts';
import type { OutputLogits } from '../../run/trace/trace-document';
import { diagnose, type DiagnoseOptions } from './diagnose';
import { type Diagnosis } from './diagnosis';
import { surveyModelOutputs } from './model-outputs';
import { NEUTRAL_PROMPTS } from './neutral-prompts';
import { surveyModel } from './survey-model';
import { resolveThresholds } from './thresholds';
import { TraceEvidence } from './trace-evidence';

export interface DiagnoseModelOptions extends Omit<
  DiagnoseOptions,
  'model' | 'experts' | 'routers'
> {
  /** A prompt or prompts to run. Default: built-in texts. */
  prompts?: Prompt | Iterable<Prompt> | AsyncIterable<Prompt>;
  /** Also compare the experts' outputs on the first prompt, which takes E + 1 forward passes per layer. Default false. */
  outputs?: boolean;
  signal?: AbortSignal;
  /** Called after each prompt, before the weights are read, and before each layer whose experts are run. */
  onProgress?: (progress: StreamProgress) => void;
}

/**
 * @throws MoEDebuggerError 'input' when there are no prompts, or none are given and the model has no tokenizer for the
 * built-in ones; those of `trace`
 */
export async function diagnoseModel(
  handle: ModelHandle,
  options: DiagnoseModelOptions = {}
): Promise<Diagnosis & Displayable> {
  return diagnoseOn(handle.loaded, async () => handle.loaded, options);
}

/** A text and a list of numbers are one prompt, though both can be iterated. */
function promptsOf(
  given: NonNullable<DiagnoseModelOptions['prompts']>
): Iterable<Prompt> | AsyncIterable<Prompt> {
  return typeof given === 'object' &&
    given !== null &&
    !Array.isArray(given) &&
    (Symbol.iterator in given || Symbol.asyncIterator in given)
    ? (given as Iterable<Prompt> | AsyncIterable<Prompt>)
    : promptList(given as Prompt | readonly Prompt[]);
}

/** As `diagnoseModel`, of the routing on a target, such as the model with edits; weights are the model's own. */
export async function diagnoseOn(
  model: LoadedModel,
  target: () => Promise<RunTarget>,
  {
    prompts: given = builtInPrompts(model),
    outputs = false,
    signal,
    onProgress,
    ...options
  }: DiagnoseModelOptions = {}
): Promise<Diagnosis & Displayable> {
  const thresholds = resolveThresholds(options.thresholds);
  const evidence = new TraceEvidence();
  let index = 0;
  const prompts = promptsOf(given);
  const total = Array.isArray(prompts) ? { total: prompts.length } : {};
  let first: TokenizedPrompt | undefined;
  for await (const prompt of prompts) {
    const tokenized = model.tokenize(prompt, index++);
    first ??= tokenized;
    // An internal trace: it should not appear in the panel's list.
    const trace = await tracePrompts(model, target, [tokenized], {
      logits: 'all',
      signal
    });
    for (const sample of trace.samples) {
      const logits = trace.outputLogits.get(sample.id);
      evidence.add(sample, logits ? { finiteOutputs: finite(logits) } : {});
    }
    onProgress?.({ done: index, ...total, what: 'tracing prompts' });
  }
  if (evidence.tally.samples === 0) {
    throw new MoEDebuggerError('input', 'there are no prompts', {
      hint: 'give at least one'
    });
  }
  onProgress?.({
    done: index,
    ...total,
    what: "reading the experts' weights"
  });
  const alike = thresholds.duplicate_similarity_threshold;
  return diagnose(evidence, {
    ...options,
    model: model.name,
    routers: model.routers,
    experts: [
      ...surveyModel(model.description.model.path, alike),
      ...(outputs && first
        ? await surveyModelOutputs(model, first, alike, { signal, onProgress })
        : [])
    ]
  });
}

/**
 * Prompts for when none are given.
 * @throws MoEDebuggerError 'input' when the model has no tokenizer
 */
export function builtInPrompts(model: LoadedModel): readonly PromptObject[] {
  if (!model.tokenizer) {
    throw new MoEDebuggerError(
      'input',
      `${model.noTokenizer}, which the built-in texts need`,
      {
        where: model.name,
        hint: 'give --prompts with lines of {"input_ids": [...]}'
      }
    );
  }
  const { tokenizer } = model;
  const decodes = model.description.layers.some(
    ({ stack }) => stack === 'decoder'
  );
  // Without a decoder prompt only the start token would be decoded.
  return decodes
    ? NEUTRAL_PROMPTS.map(prompt => ({
        ...prompt,
        decoderInputIds: tokenizer.encode(prompt.text!)
      }))
    : NEUTRAL_PROMPTS;
}

/** 1 for each token whose logits are all finite. */
function finite({ data, width }: OutputLogits): Uint8Array {
  const tokens = data.length / width;
  const flags = new Uint8Array(tokens).fill(1);
  for (let t = 0; t < tokens; t++) {
    for (let i = t * width; i < (t + 1) * width; i++) {
      if (!Number.isFinite(data[i])) {
        flags[t] = 0;
        break;
      }
    }
  }
  return flags;
}
