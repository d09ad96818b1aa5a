/** Runs prompts through a model, one forward pass each, and captures their routing. */
import { randomUUID } from 'node:crypto';
import {
  cancellable,
  cancelledError,
  checkOnCancel,
  type OnCancel
} from '../engine/cancel';
import type { Session } from '../engine/engine';
import type { RunEdits } from '../edits/run-edits';
import { MoEDebuggerError } from '../../base/errors';
import type { Progress } from '../../base/progress';
import { counted, type RoutingSample, type RunStep } from '../../base/protocol';
import type { CapturePlan } from '../../routing/capture';
import type { Router } from '../../routing/convention';
import { addedCheck } from '../added/check-added';
import { readCapture } from '../capture/read-capture';
import {
  checkSampling,
  samplerOf,
  type TokenSampling
} from '../capture/token-sampling';
import { RoutingTrace } from './routing-trace';
import type { OutputLogits } from './trace-document';
import { wholeSequence } from '../model/inputs';
import type { LoadedModel } from '../model/loaded-model';
import type { TokenizedPrompt } from '../model/prompt';
import { outputLogits } from './output-logits';

export interface TraceOptions {
  /** Also keep the model's output logits: of the last token, or of all. */
  logits?: 'last' | 'all';
  /** Captures the routing of a share of the tokens. Default all. */
  sample?: TokenSampling;
  signal?: AbortSignal;
  /**
   * What a cancelled run comes to when at least one prompt is done: a `TraceCancelled` error that carries the trace of
   * these ('throw', the default), or that trace ('return').
   */
  onCancel?: OnCancel;
  /** Called after each prompt. */
  onProgress?: (progress: Progress) => void;
}

/** What to run prompts on: the model's own session, or one with edits. */
export interface RunTarget {
  session: Session;
  routers: readonly Router[];
  plan: CapturePlan;
  edits?: RunEdits;
}

/** What cancelled prompts come to: the error carries the trace of those that were done. */
export class TraceCancelled extends MoEDebuggerError {
  readonly partial: RoutingTrace;

  constructor(partial: RoutingTrace, total: number) {
    super(
      'cancelled',
      `cancelled after ${partial.samples.length} of ${counted(total, 'prompt')}`,
      {
        hint: 'the error\'s "partial" is their trace; the model is still loaded'
      }
    );
    this.partial = partial;
  }
}

/**
 * @throws MoEDebuggerError 'input' without a prompt or for an option that does not fit, 'capture' when what was captured
 * contradicts the graph; TraceCancelled, or 'cancelled' before the first prompt was done
 */
export async function tracePrompts(
  model: LoadedModel,
  target: () => Promise<RunTarget>,
  prompts: readonly TokenizedPrompt[],
  options: TraceOptions
): Promise<RoutingTrace> {
  if (prompts.length === 0) {
    throw new MoEDebuggerError('input', 'there are no prompts', {
      hint: 'give at least one'
    });
  }
  checkOnCancel(options.onCancel);
  if (options.sample) {
    checkSampling(options.sample);
  }
  await addedCheck(model).run(prompts[0]);
  const running = await target();
  const samples: RoutingSample[] = [];
  const logits = new Map<string, OutputLogits>();
  const steps = new Map<string, readonly RunStep[]>();
  let inference = 0;
  let tokensRun = 0;
  const result = (): RoutingTrace =>
    new RoutingTrace({
      id: randomUUID(),
      model: model.onnx.name,
      samples,
      moeLayers: model.routers.length,
      timing: { inference },
      steps,
      tokensRun,
      outputLogits: logits,
      edits: running.edits?.records,
      cards: model.description.layers
    });
  try {
    for (const prompt of prompts) {
      if (options.signal?.aborted) {
        throw cancelledError();
      }
      const traced = await tracePrompt(
        model,
        running,
        prompt,
        samples.length,
        options
      );
      samples.push(traced.sample);
      steps.set(traced.sample.id, [traced.step]);
      tokensRun += traced.step.tokens;
      inference += traced.milliseconds;
      if (traced.logits) {
        logits.set(traced.sample.id, traced.logits);
      }
      options.onProgress?.({ done: samples.length, total: prompts.length });
    }
  } catch (error) {
    if (samples.length === 0 || !isCancelled(error)) {
      throw error;
    }
    if (options.onCancel !== 'return') {
      throw new TraceCancelled(result(), prompts.length);
    }
  }
  return result();
}

function isCancelled(error: unknown): boolean {
  return error instanceof MoEDebuggerError && error.code === 'cancelled';
}

/** @param index of the prompt in its list */
async function tracePrompt(
  model: LoadedModel,
  { session, routers, plan, edits }: RunTarget,
  prompt: TokenizedPrompt,
  index: number,
  { logits: wanted, sample: sampling, signal }: TraceOptions
): Promise<{
  sample: RoutingSample;
  step: RunStep;
  logits?: OutputLogits;
  milliseconds: number;
}> {
  const start = performance.now();
  const step = wholeSequence(prompt);
  const feeds = { ...model.inputs.feeds(step), ...edits?.feeds(step) };
  const output = wanted ? [model.logits] : [];
  const decoderIds = prompt.decoderIds ?? prompt.ids;
  const last = [decoderIds.length - 1];
  const { outputs, milliseconds } = await cancellable(
    session.run(feeds, [...plan.outputs, ...output], {
      rows: wanted === 'last' ? { [model.logits]: last } : {}
    }),
    signal
  );
  const taken = samplerOf(sampling, index)?.choose(decoderIds.length);
  const encoderTaken = prompt.decoderIds
    ? samplerOf(sampling, index, 'encoder')?.choose(prompt.ids.length)
    : undefined;
  const count = ({ stack }: Router): number =>
    stack === 'decoder' ? decoderIds.length : prompt.ids.length;
  const sample: RoutingSample = {
    id: prompt.id,
    ...(prompt.domain === undefined ? {} : { domain: prompt.domain }),
    tokens: captured(model.tokens(decoderIds), taken),
    ...(prompt.decoderIds
      ? { encoderTokens: captured(model.tokens(prompt.ids), encoderTaken) }
      : {}),
    layers: readCapture(
      routers,
      plan,
      outputs,
      count,
      edits?.adjustments(step),
      taken &&
        (({ stack }) => (stack === 'encoder' ? (encoderTaken ?? []) : taken))
    )
  };
  const end = performance.now();
  return {
    sample,
    step: {
      phase: 'prefill',
      tokens: decoderIds.length,
      captured: sample.tokens.length,
      timestamp: performance.timeOrigin + end,
      milliseconds: end - start
    },
    milliseconds,
    ...(wanted
      ? { logits: outputLogits(outputs[model.logits], wanted, taken) }
      : {})
  };
}

/** @param taken the tokens to keep; undefined for all */
function captured<T>(
  tokens: readonly T[],
  taken: readonly number[] | undefined
): T[] {
  return taken ? taken.map(token => tokens[token]) : [...tokens];
}
