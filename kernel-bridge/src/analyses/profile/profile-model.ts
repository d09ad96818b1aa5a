/** Profiles a model: where the time of a forward pass goes. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { MoEDebuggerError } from '../../base/errors';
import type { Progress } from '../../base/progress';
import {
  MAX_PROFILE_EVENTS,
  type ProfileDocument,
  type ProfileRow,
  type ProfiledRuns
} from '../../base/protocol';
import { scratchFolder } from '../../base/scratch-folder';
import { encodeModelProto, type NodeProto } from '../../onnx/file/schema';
import { cancellable } from '../../run/engine/cancel';
import { Engine } from '../../run/engine/engine';
import { wholeSequence } from '../../run/model/inputs';
import type { LoadedModel, ModelHandle } from '../../run/model/loaded-model';
import { loadedOf } from '../../run/model/model-handle';
import type { Prompt, TokenizedPrompt } from '../../run/model/prompt';
import { bottlenecks } from './bottlenecks';
import { nameNodes } from './node-names';
import { nodePlaces, placeOf, type NodePlace } from './node-parts';
import { readProfile, type ProfiledRun } from './read-profile';
import { ModelProfile } from './profile-result';

export interface ModelProfileOptions {
  /** Runs of the prompt, and of its first token, after one that is not counted. Default 5. */
  runs?: number;
  signal?: AbortSignal;
  /** Called after each run. */
  onProgress?: (progress: Progress) => void;
}

const RUNS = 5;
const MAX_RUNS = 1000;

/**
 * Runs a prompt in a session of its own with onnxruntime's profiler, and tells layers, parts and operators apart. The graph
 * is the model's own, without capture and edits.
 *
 * @throws MoEDebuggerError 'input' or 'tokenizer' for an invalid prompt or option, 'model-unsupported', 'engine', 'cancelled'
 */
export async function profileModel(
  handle: ModelHandle,
  prompt: Prompt,
  { runs = RUNS, signal, onProgress }: ModelProfileOptions = {}
): Promise<ModelProfile> {
  const model = loadedOf(handle, 'profile');
  if (!(Number.isInteger(runs) && runs >= 1 && runs <= MAX_RUNS)) {
    throw new MoEDebuggerError('input', `runs cannot be ${String(runs)}`, {
      where: 'runs',
      hint: `give a whole number from 1 to ${MAX_RUNS}`
    });
  }
  const whole = model.tokenize(prompt);
  const first: TokenizedPrompt = {
    ...whole,
    ids: whole.decoderIds ? whole.ids : whole.ids.slice(0, 1),
    ...(whole.decoderIds ? { decoderIds: whole.decoderIds.slice(0, 1) } : {})
  };
  const { profiled, ...known } = await profiledRuns(
    model,
    [whole, first],
    runs,
    {
      signal,
      onProgress
    }
  );
  return new ModelProfile(
    documentOf(model, {
      prefill: profiled.slice(1, runs + 1),
      oneToken: profiled.slice(runs + 2),
      ...known
    })
  );
}

async function profiledRuns(
  { onnx, settings, inputs, logits }: LoadedModel,
  prompts: readonly TokenizedPrompt[],
  runs: number,
  { signal, onProgress }: Pick<ModelProfileOptions, 'signal' | 'onProgress'>
): Promise<Pick<Measured, 'tokens' | 'names'> & { profiled: ProfiledRun[] }> {
  const { graph, names } = nameNodes(onnx.proto.graph);
  const folder = scratchFolder();
  try {
    const session = await cancellable(
      Engine.shared().createSession(
        {
          bytes: encodeModelProto({ ...onnx.proto, graph }),
          folder: onnx.weightsFolder
        },
        { ...settings, profile: join(folder, 'profile') }
      ),
      signal
    );
    const total = prompts.length * (runs + 1);
    let done = 0;
    try {
      for (const prompt of prompts) {
        const feeds = inputs.feeds(wholeSequence(prompt));
        for (let run = 0; run <= runs; run++) {
          await cancellable(session.run(feeds, [logits]), signal);
          onProgress?.({ done: ++done, total });
        }
      }
      await session.endProfiling();
    } finally {
      await session.release();
    }
    const [file] = readdirSync(folder);
    if (file === undefined) {
      throw new MoEDebuggerError('engine', 'onnxruntime wrote no profile', {
        where: onnx.name,
        hint: 'profile the model again'
      });
    }
    const [{ ids, decoderIds }] = prompts;
    return {
      profiled: readProfile(join(folder, file)),
      tokens: (decoderIds ?? ids).length,
      names
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Measured {
  prefill: readonly ProfiledRun[];
  oneToken: readonly ProfiledRun[];
  tokens: number;
  names: ReadonlyMap<NodeProto, string>;
}

function documentOf(
  model: LoadedModel,
  { prefill, oneToken, tokens, names }: Measured
): ProfileDocument {
  const { rows, events, fused, between, written } = tally(
    middle(prefill),
    nodePlaces(model, names)
  );
  const runsOf = (
    list: readonly ProfiledRun[],
    count: number
  ): ProfiledRuns => ({
    tokens: count,
    runs: list.length,
    milliseconds: middle(list).duration / 1000
  });
  const document: ProfileDocument = {
    schema: 'moe-debugger/profile@1',
    model: model.name,
    prefill: runsOf(prefill, tokens),
    oneToken: runsOf(oneToken, 1),
    rows,
    between,
    fused,
    weights: model.onnx.bytes,
    written,
    bottlenecks: [],
    notes: [
      'the profiler itself takes time at each node: compare shares, and times only with other profiles',
      ...(fused > 0.2
        ? [
            `${Math.round(100 * fused)} % of the time is in nodes that onnxruntime made by fusion: they are counted where the node before them is`
          ]
        : []),
      ...(events.length === 0 && rows.length > 0
        ? ['the run has too many nodes to be kept one by one']
        : [])
    ],
    events
  };
  return { ...document, bottlenecks: bottlenecks(document) };
}

/** @param run the one in the middle by its time, so that all parts are of the same run and add up to it */
function tally(
  { duration, nodes }: ProfiledRun,
  places: ReadonlyMap<string, NodePlace>
): Pick<ProfileDocument, 'rows' | 'events' | 'fused' | 'between' | 'written'> {
  const rows: ProfileRow[] = [];
  const index = new Map<string, number>();
  let [fused, inNodes, written] = [0, 0, 0];
  let place: NodePlace = { place: 'embeddings', part: 'other' };
  const events = nodes.map(
    ({ name, op, start, duration: time, written: bytes }) => {
      const known = placeOf(places, name);
      place = known ?? place;
      fused += known ? 0 : time;
      inNodes += time;
      written += bytes;
      const key = `${place.place}/${place.part}/${op}`;
      const row = index.get(key) ?? rows.length;
      if (row === rows.length) {
        index.set(key, row);
        rows.push({ ...place, op, milliseconds: 0, calls: 0 });
      }
      rows[row].milliseconds += time / 1000;
      rows[row].calls++;
      return { name, row, start, duration: time };
    }
  );
  return {
    rows,
    events: events.length > MAX_PROFILE_EVENTS ? [] : events,
    fused: inNodes > 0 ? fused / inNodes : 0,
    between: Math.max(0, duration - inNodes) / 1000,
    written
  };
}

/** @throws MoEDebuggerError 'engine' where nothing was recorded */
function middle(runs: readonly ProfiledRun[]): ProfiledRun {
  const sorted = [...runs].sort((a, b) => a.duration - b.duration);
  if (sorted.length === 0 || sorted.every(({ nodes }) => nodes.length === 0)) {
    throw new MoEDebuggerError('engine', 'onnxruntime profiled no node', {
      hint: 'profile the model again'
    });
  }
  return sorted[Math.floor((sorted.length - 1) / 2)];
}
