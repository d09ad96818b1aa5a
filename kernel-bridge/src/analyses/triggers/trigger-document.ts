/** Triggers as JSON: `moe-debugger/triggers@1`. */
import type { ExpertPlace } from '../../base/protocol';

export interface Trigger extends ExpertPlace {
  /** "layer 3", as layerName formats it. */
  router: string;
  /** Ids of the sequence. */
  ids: number[];
  texts?: string[];
  /** Texts that have the sequence, and how many of them select the expert at its first occurrence. */
  seen: number;
  selected: number;
  /** selected / seen, with its 95 % interval. */
  rate: number;
  rateInterval: [number, number];
  /** Texts that have the last token elsewhere, and the share of its occurrences there that select the expert. */
  otherTexts: number;
  otherwise: number;
  correctedP: number;
}

export interface TriggersDocument {
  schema: 'moe-debugger/triggers@1';
  /** Null: of a trace that names none. */
  model: string | null;
  n: number;
  significance: number;
  texts: number;
  tokens: number;
  /** Sequences that occur often enough, and tests of them: one an expert that is selected. */
  sequences: number;
  tests: number;
  /** Smallest p first. */
  triggers: Trigger[];
  notes: string[];
}
