/** What an importer of other people's traces is: one file a format, listed in `formats.ts`. */
import { MoEDebuggerError } from '../../base/errors';
import type { Groups } from '../../routing/convention';
import type { RoutingSample, Token } from '../../base/protocol';
import { NO_TOKEN_ID } from '../../base/protocol';

/** What is known of the model from options and its config.json; formats fill in what their own files say. */
export interface ModelFacts {
  experts?: number;
  topK?: number;
  /** Rows that arrays have for layers: blocks, or MoE layers only. */
  layers?: number;
  /** Blocks without a router, where config.json tells. */
  dense?: readonly number[];
  score?: 'softmax' | 'sigmoid';
  renormalized?: boolean;
  scale?: number;
  groups?: Groups;
  sharedExperts?: number;
  /** Experts are selected by scores that a bias was added to, which no dump of logits holds. */
  biased?: boolean;
}

/** Some tokens of a sample, at all its layers; `experts` of a layer is 0 where only the whole file tells. */
export interface ImportedPart {
  sample: RoutingSample;
  /** The tokens follow those of the part before, in the same sample. */
  continues: boolean;
}

export interface ImportContext {
  facts: ModelFacts;
  /** Says what was detected or assumed; the same words are said once. */
  note(text: string): void;
  /** The name that the file gives its model. */
  model?: string;
}

export interface TraceImporter {
  /** @throws MoEDebuggerError 'input' naming file, line and column, or array and index */
  read(path: string, context: ImportContext): AsyncIterable<ImportedPart>;
}

/** Tokens held at a time of a sample that is longer. */
export const PART_TOKENS = 4096;
/** Ids from here on are damage: no model has so many experts. */
export const MOST_EXPERTS = 1 << 16;

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

/** The option or fact that a format cannot do without. */
export function need<K extends 'topK' | 'layers' | 'experts'>(
  { facts }: ImportContext,
  key: K,
  file: string
): number {
  const option = { topK: '--top-k', layers: '--layers', experts: '--experts' };
  const name = {
    topK: 'how many experts a token takes',
    layers: 'how many layers there are',
    experts: 'how many experts a layer has'
  };
  return (
    facts[key] ??
    refuse(
      `the file does not tell ${name[key]}`,
      file,
      '',
      `give ${option[key]}, or the model's config.json with --config`
    )
  );
}
