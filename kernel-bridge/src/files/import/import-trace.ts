/** Imports traces of other programs to Parquet; docs/traces.md has an example of each format. */
import type { StreamProgress } from '../../base/progress';
import { randomUUID } from 'node:crypto';
import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { MoEDebuggerError } from '../../base/errors';
import { pauses } from '../../base/pause';
import { readJson } from '../../run/model/config';
import { MAX_EXPERTS, routerCards } from '../trace/cards';
import { ParquetWriter } from '../trace/parquet';
import { importerOf, type ImportFormat } from './formats';
import type { ImportContext, ModelFacts } from './importer';
import { LayerTally } from './layer-tally';
import { factsOf } from './model-facts';

/** Facts that the files do not contain; each takes precedence over config.json. */
export interface ImportOptions {
  /** The Parquet file to write. */
  out: string;
  /** Path of the model's config.json. Default: the one beside the trace, if there is one. */
  config?: string;
  /** Experts per layer. */
  experts?: number;
  /** Experts per token. */
  topK?: number;
  /** Number of layers of an array without a shape. */
  layers?: number;
  score?: 'softmax' | 'sigmoid';
  /** Whether the weights of a token are divided by their sum. */
  renormalized?: boolean;
  /** The model's name. */
  model?: string;
  /** Called after each sample; `done` counts tokens. */
  onProgress?: (progress: StreamProgress) => void;
  signal?: AbortSignal;
}

export interface ImportReport {
  schema: 'moe-debugger/import@1';
  format: ImportFormat;
  out: string;
  run: string;
  model: string;
  samples: number;
  tokens: number;
  /** (token, layer, rank) triples. */
  slots: number;
  layers: { layer: number; experts: number; topK: number }[];
  /** What was detected or assumed. */
  notes: string[];
}

/** Implementation of `importTrace` of ./index.ts, which loads this at the first import. */
export async function importTrace(
  format: ImportFormat,
  path: string,
  options: ImportOptions
): Promise<ImportReport> {
  const importer = importerOf(format);
  if (!existsSync(path)) {
    throw new MoEDebuggerError('input', 'no such file or folder', {
      where: path,
      hint: `give the ${format} trace to import`
    });
  }
  if (
    existsSync(options.out) &&
    realpathSync(options.out) === realpathSync(path)
  ) {
    throw new MoEDebuggerError('input', 'the import would replace its input', {
      where: options.out,
      hint: 'name another file to write'
    });
  }
  const notes = new Set<string>();
  const context: ImportContext = {
    facts: {},
    note: text => void notes.add(text)
  };
  context.facts = knownFacts(path, options, context);
  const run = randomUUID();
  const totals = { samples: 0, tokens: 0, slots: 0 };
  const writer = await ParquetWriter.create(options.out, {
    run,
    model: '',
    created: new Date().toISOString()
  });
  try {
    const tally = new LayerTally(context.facts, path);
    const pause = pauses();
    for await (const { sample, continues } of importer.read(path, context)) {
      if (options.signal?.aborted) {
        throw new MoEDebuggerError('cancelled', 'the import was cancelled');
      }
      tally.add(sample);
      if (continues) {
        await writer.continue(sample);
      } else {
        await writer.add(sample);
        totals.samples++;
      }
      totals.tokens += sample.tokens.length;
      totals.slots += sample.layers.reduce(
        (sum, { selected }) => sum + selected.length,
        0
      );
      options.onProgress?.({ done: totals.tokens, what: 'importing tokens' });
      await pause();
    }
    if (totals.slots === 0) {
      throw new MoEDebuggerError('input', 'the trace has no tokens', {
        where: path,
        hint: 'check that routing was recorded'
      });
    }
    const layers = tally.cards(format, context.note);
    const model =
      options.model ?? context.model ?? basename(resolve(path)).split('.')[0];
    const source = { format, notes: [...notes] };
    await writer.finish({ model, layers, source });
    return {
      schema: 'moe-debugger/import@1',
      format,
      out: options.out,
      run,
      model,
      ...totals,
      layers: routerCards(layers).map(({ layer, experts, topK }) => ({
        layer,
        experts,
        topK
      })),
      notes: source.notes
    };
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    writer.close();
  }
}

/** Converts a system error of reading a file. */
function unreadable(path: string, error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  return error instanceof MoEDebuggerError || typeof code !== 'string'
    ? error
    : new MoEDebuggerError('input', `the trace cannot be read: ${message}`, {
        where: path,
        hint: 'give a file that can be read',
        cause: error
      });
}

/** Options, then config.json. */
function knownFacts(
  path: string,
  options: ImportOptions,
  context: ImportContext
): ModelFacts {
  const folder = statSync(path).isDirectory() ? path : dirname(path);
  const beside = join(folder, 'config.json');
  const file = options.config ?? (existsSync(beside) ? beside : undefined);
  const config = file === undefined ? undefined : readJson(file);
  if (options.config !== undefined && !config) {
    throw new MoEDebuggerError('input', 'no such config.json', {
      where: options.config,
      hint: 'give the one of the model that was traced'
    });
  }
  const facts: ModelFacts = config ? factsOf(config) : {};
  if (config) {
    context.note(`read from ${file}: the model's shape`);
    if (typeof config._name_or_path === 'string' && config._name_or_path) {
      context.model = config._name_or_path;
    }
  }
  for (const key of ['experts', 'topK', 'layers'] as const) {
    facts[key] = options[key] ?? facts[key];
    const value = facts[key];
    if (
      value !== undefined &&
      !(Number.isInteger(value) && value >= 1 && value <= MAX_EXPERTS)
    ) {
      throw new MoEDebuggerError('input', `${key} of ${value} cannot be`, {
        where: 'import',
        hint: 'give a whole number of at least 1'
      });
    }
  }
  if ((facts.topK ?? 1) > (facts.experts ?? Infinity)) {
    throw new MoEDebuggerError(
      'input',
      `a token cannot select ${facts.topK} of ${facts.experts} experts`,
      { where: 'import', hint: 'give a top-k of at most the experts' }
    );
  }
  facts.score = options.score ?? facts.score;
  facts.renormalized = options.renormalized ?? facts.renormalized;
  return facts;
}
