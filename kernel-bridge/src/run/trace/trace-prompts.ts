/** Runs prompts through a model, one forward pass each, and captures their routing. */
import { randomUUID } from 'node:crypto';
import { cancellable, cancelledError } from '../engine/cancel';
import type { Session } from '../engine/engine';
import type { RunEdits } from '../edits/run-edits';
import { MoEDebuggerError } from '../../base/errors';
import type { RoutingSample } from '../../base/protocol';
import type { CapturePlan } from '../../routing/capture';
import type { Router } from '../../routing/convention';
import { readCapture } from '../capture/read-capture';
import { RoutingTrace } from './routing-trace';
import type { OutputLogits } from './trace-document';
import { wholeSequence } from '../model/inputs';
import type { LoadedModel } from '../model/loaded-model';
import type { TokenizedPrompt } from '../model/prompt';
import { outputLogits } from './output-logits';

export interface TraceOptions {
  /** Also keep the model's output logits: of the last token, or of all. */
  logits?: 'last' | 'all';
  signal?: AbortSignal;
  /** Called after each prompt. */
  onProgress?: (done: number, total: number) => void;
}

/** What to run prompts on: the model's own session, or one with edits. */
export interface RunTarget {
  session: Session;
  routers: readonly Router[];
  plan: CapturePlan;
  edits?: RunEdits;
}

/**
 * @throws MoEDebuggerError 'input' without a prompt, 'capture' when captured routing contradicts the graph, 'cancelled'
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
  const running = await target();
  const samples: RoutingSample[] = [];
  const logits = new Map<string, OutputLogits>();
  let inference = 0;
  for (const prompt of prompts) {
    if (options.signal?.aborted) {
      throw cancelledError();
    }
    const traced = await tracePrompt(model, running, prompt, options);
    samples.push(traced.sample);
    inference += traced.milliseconds;
    if (traced.logits) {
      logits.set(traced.sample.id, traced.logits);
    }
    options.onProgress?.(samples.length, prompts.length);
  }
  return new RoutingTrace({
    id: randomUUID(),
    model: model.onnx.name,
    samples,
    moeLayers: model.routers.length,
    timing: { inference },
    outputLogits: logits,
    edits: running.edits?.records,
    cards: model.description.layers
  });
}

async function tracePrompt(
  model: LoadedModel,
  { session, routers, plan, edits }: RunTarget,
  prompt: TokenizedPrompt,
  { logits: wanted, signal }: TraceOptions
): Promise<{
  sample: RoutingSample;
  logits?: OutputLogits;
  milliseconds: number;
}> {
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
  const count = ({ stack }: Router): number =>
    stack === 'decoder' ? decoderIds.length : prompt.ids.length;
  const sample: RoutingSample = {
    id: prompt.id,
    ...(prompt.domain === undefined ? {} : { domain: prompt.domain }),
    tokens: model.tokens(decoderIds),
    ...(prompt.decoderIds ? { encoderTokens: model.tokens(prompt.ids) } : {}),
    layers: readCapture(routers, plan, outputs, count, edits?.adjustments(step))
  };
  return {
    sample,
    milliseconds,
    ...(wanted ? { logits: outputLogits(outputs[model.logits], wanted) } : {})
  };
}
