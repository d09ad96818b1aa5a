/** Generates from prompts, token by token, with the routing of every token. */
import { cancellable, CancelRequest } from '../engine/cancel';
import { MoEDebuggerError } from '../../base/errors';
import type { Graph } from '../../onnx/graph/graph';
import type { LayerCard } from '../model/description';
import type { TokenizedPrompt } from '../model/prompt';
import type { Tokenizer } from '../model/tokenizer';
import type { Phase } from '../../base/protocol';
import { samplerOf, type TokenSampling } from '../capture/token-sampling';
import { RoutingTrace } from '../trace/routing-trace';
import { RunningTrace } from '../trace/running-trace';
import { batchesOf, captureNotes, oneByOne } from './batches';
import { Continuation } from './continuation';
import type { Ending } from './ending';
import {
  Decoder,
  type DecodableModel,
  type Decoding,
  type SequenceSamplers
} from './decoder';
import { Generation, GenerationCancelled } from './generation';
import {
  resolveOptions,
  type GenerateOptions,
  type ResolvedOptions
} from './options';

export interface GenerativeModel extends DecodableModel {
  name: string;
  graph: Graph;
  description: { layers: readonly LayerCard[] };
  tokenizer: Tokenizer | undefined;
  /** Why there is no tokenizer. */
  noTokenizer: string;
  ending: Ending;
  /** Called when a prompt has been run, with the trace in the making. */
  onBegin(running: RunningTrace): void;
  /** Called with each generation when it is done or cancelled. */
  onGeneration(generation: Generation): void;
  /** Called when an error ends what had begun. */
  onFailure(running: RunningTrace): void;
}

/**
 * @returns one generation per prompt, in the order of the prompts
 * @throws MoEDebuggerError 'input' for invalid options or prompts, 'tokenizer' for stop strings without a
 * tokenizer, 'model-unsupported', 'capture', 'engine'; GenerationCancelled
 */
export async function generate(
  model: GenerativeModel,
  prompts: readonly TokenizedPrompt[],
  given: GenerateOptions
): Promise<Generation[]> {
  const options = resolveOptions(given);
  if (options.stops.length > 0 && !model.tokenizer) {
    throw new MoEDebuggerError(
      'tokenizer',
      `${model.noTokenizer}, which stop strings need`,
      {
        where: 'stop',
        hint: 'put one beside the model, or leave stop out'
      }
    );
  }
  const continuations = prompts.map(
    (prompt, i) =>
      new Continuation(i, prompt, options, model.ending, model.tokenizer)
  );
  const reason = oneByOne(model, model.graph);
  const together =
    reason === undefined && prompts.length > 1 ? options.batchSize : 1;
  const notes = captureNotes(model);
  if (reason !== undefined && prompts.length > 1) {
    notes.push(`the prompts were run one by one: ${reason}`);
  }
  const done = new Map<number, Generation>();
  const cancel = new CancelRequest(options.signal);
  const results = (): Generation[] =>
    [...done].sort(([a], [b]) => a - b).map(([, generation]) => generation);
  try {
    for (const batch of batchesOf(prompts, together)) {
      const rows = batch.map(index => continuations[index]);
      const timing = await run(model, rows, options, cancel);
      for (const row of rows.filter(({ started }) => started)) {
        const generation = finish(model, row, options, timing, notes);
        done.set(row.index, generation);
        model.onGeneration(generation);
      }
      if (
        cancel.requested &&
        continuations.some(
          ({ finishReason }) =>
            finishReason === undefined || finishReason === 'cancelled'
        )
      ) {
        throw new GenerationCancelled(results());
      }
      options.onProgress?.({ done: done.size, total: prompts.length });
    }
    return results();
  } catch (error) {
    if (
      error instanceof GenerationCancelled &&
      options.onCancel === 'return' &&
      error.partial.length > 0
    ) {
      return [...error.partial];
    }
    throw error;
  } finally {
    cancel.dispose();
  }
}

interface Timing {
  seconds: number;
  /** Milliseconds in onnxruntime. */
  inference: number;
}

/** Runs prompts side by side until all have ended, or the user cancels. */
async function run(
  model: GenerativeModel,
  rows: readonly Continuation[],
  options: ResolvedOptions,
  cancel: CancelRequest
): Promise<Timing> {
  const started = performance.now();
  const decoder = new Decoder(
    model,
    rows.map(({ prompt }) => prompt),
    samplersOf(options.sample, rows)
  );
  const running: RunningTrace[] = [];
  let inference = 0;
  const step = async (
    phase: Phase,
    work: () => Promise<Decoding>
  ): Promise<void> => {
    const start = performance.now();
    const { sequences, milliseconds } = await work();
    const end = performance.now();
    inference += milliseconds;
    const timing = {
      phase,
      timestamp: performance.timeOrigin + end,
      milliseconds: end - start
    };
    sequences.forEach((decoded, i) => {
      if (decoded) {
        rows[i].accept(decoded, timing);
        running[i]?.stepped();
      }
    });
  };
  try {
    try {
      // A long prompt need not be awaited: nothing is lost with it.
      await step('prefill', () => cancellable(decoder.start(), options.signal));
    } catch (error) {
      if (!(error instanceof MoEDebuggerError && error.code === 'cancelled')) {
        throw error;
      }
    }
    for (const row of rows.filter(({ started }) => started)) {
      const trace = begin(model, row);
      running.push(trace);
      model.onBegin(trace);
      options.onBegin?.(trace);
    }
    while (!cancel.requested && rows.some(unfinished)) {
      const going = rows.filter(unfinished);
      const tokens = rows.map(row =>
        unfinished(row) ? row.choose() : undefined
      );
      // A step is short and its token's routing is worth keeping, so it is awaited even after a cancellation.
      await step('decode', () => decoder.advance(tokens));
      for (const row of going) {
        await options.onToken?.(row.event());
      }
    }
    rows.filter(unfinished).forEach(row => row.cancel());
    running.forEach(trace => trace.end());
  } catch (error) {
    for (const trace of running) {
      trace.end();
      model.onFailure(trace);
    }
    throw error;
  } finally {
    decoder.dispose();
  }
  return { seconds: (performance.now() - started) / 1000, inference };
}

function samplersOf(
  sample: TokenSampling | undefined,
  rows: readonly Continuation[]
): SequenceSamplers[] | undefined {
  const samplers = rows.flatMap(({ index }) => {
    const own = samplerOf(sample, index);
    const encoder = samplerOf(sample, index, 'encoder');
    return own && encoder ? [{ own, encoder }] : [];
  });
  return samplers.length > 0 ? samplers : undefined;
}

function begin(model: GenerativeModel, row: Continuation): RunningTrace {
  return new RunningTrace({
    id: row.traceId,
    model: model.name,
    label: row.prompt.label,
    edits: model.edits?.records.length ?? 0,
    created: row.created,
    moeLayers: model.routers.length,
    source: row
  });
}

function unfinished({ finishReason }: Continuation): boolean {
  return finishReason === undefined;
}

function finish(
  model: GenerativeModel,
  row: Continuation,
  options: ResolvedOptions,
  { seconds, inference }: Timing,
  notes: readonly string[]
): Generation {
  const sample = row.sample();
  return new Generation({
    prompt: row.prompt.label,
    text: row.text,
    tokens: row.tokens,
    finishReason: row.finishReason ?? 'cancelled',
    trace: new RoutingTrace({
      id: row.traceId,
      model: model.name,
      samples: [sample],
      created: row.created,
      moeLayers: model.routers.length,
      edits: model.edits?.records,
      cards: model.description.layers,
      timing: { inference },
      promptTokens: row.promptTokens,
      steps: new Map([[sample.id, row.steps]]),
      tokensRun: row.run,
      outputLogits:
        options.logits === 'last'
          ? new Map([
              [
                sample.id,
                { data: row.logits.slice(), width: row.logits.length }
              ]
            ])
          : undefined
    }),
    seed: options.seed,
    seconds,
    notes
  });
}
