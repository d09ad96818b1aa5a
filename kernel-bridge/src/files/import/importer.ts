/** Interface of importers: one file per format, listed in `formats.ts`. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MoEDebuggerError } from '../../base/errors';
import type { Groups } from '../../routing/convention';
import type { RoutingSample, Token } from '../../base/protocol';
import { NO_TOKEN_ID } from '../../base/protocol';

/** Facts of the model from options and its config.json; formats add those of their own files. */
export interface ModelFacts {
  experts?: number;
  topK?: number;
  /** Number of layers in arrays: all blocks, or only MoE layers. */
  layers?: number;
  /** Blocks without a router, if config.json says so. */
  dense?: readonly number[];
  score?: 'softmax' | 'sigmoid';
  renormalized?: boolean;
  scale?: number;
  groups?: Groups;
  sharedExperts?: number;
  /** Experts are selected by scores plus a bias, which dumps of logits do not contain. */
  biased?: boolean;
}

/** Some tokens of a sample, in all its layers; `experts` of a layer is 0 if only the whole file determines it. */
export interface ImportedPart {
  sample: RoutingSample;
  /** The tokens continue the sample of the previous part. */
  continues: boolean;
}

export interface ImportContext {
  facts: ModelFacts;
  /** Reports what was detected or assumed; a repeated text is reported once. */
  note(text: string): void;
  /** Name of the model, if the file contains one. */
  model?: string;
}

export interface TraceImporter {
  /** @throws MoEDebuggerError 'input' naming file, line and column, or array and index */
  read(path: string, context: ImportContext): AsyncIterable<ImportedPart>;
}

/** Maximum tokens of a sample in memory; longer ones are split. */
export const PART_TOKENS = 4096;
/** Layer numbers are below: no model is so deep. */
export const MAX_LAYERS = 10_000;

/** @param place line and column, or array and index */
export function refuse(
  what: string,
  file: string,
  place: string,
  hint: string
): never {
  throw new MoEDebuggerError('input', what, {
    where: place ? `${file}, ${place}` : file,
    hint
  });
}

/** Tokens of which only the position is known. */
export function bareTokens(from: number, to: number): Token[] {
  return Array.from({ length: to - from }, (_, i) => ({
    position: from + i,
    id: NO_TOKEN_ID
  }));
}

/** Returns a fact that a format requires. */
export function need<K extends 'topK' | 'layers' | 'experts'>(
  { facts }: ImportContext,
  key: K,
  file: string
): number {
  const option = { topK: '--top-k', layers: '--layers', experts: '--experts' };
  const name = {
    topK: 'how many experts a token selects',
    layers: 'how many layers there are',
    experts: 'how many experts a layer has'
  };
  return (
    facts[key] ??
    refuse(
      `the file does not say ${name[key]}`,
      file,
      '',
      `give ${option[key]}, or the model's config.json with --config`
    )
  );
}

/** Hidden files, and those that lie beside a model. */
const NOT_TRACES =
  /^\.|^(.*config|tokenizer.*|special_tokens_map|added_tokens|vocab|.*\.index)\.json$/i;

/**
 * The file, or those of a folder that a format reads, in the order of the numbers in their names.
 * @param pattern names of the format's files in a folder
 * @param kinds the same in words, for the error
 */
export function filesIn(
  path: string,
  pattern: RegExp,
  kinds: string
): string[] {
  if (!statSync(path).isDirectory()) {
    return [path];
  }
  const files = readdirSync(path)
    .filter(name => pattern.test(name) && !NOT_TRACES.test(name))
    .sort(new Intl.Collator('en', { numeric: true }).compare)
    .map(name => join(path, name));
  return files.length > 0
    ? files
    : refuse(`the folder has no ${kinds} files`, path, '', 'give a file');
}
