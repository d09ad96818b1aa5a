/** Finds token sequences that trigger an expert which their last token alone does not. */
import { MIN_SEEN } from '../../measures';
import { binomialTail } from '../../base/statistics/exact-tests';
import { benjaminiHochberg } from '../../base/statistics/multiple-testing';
import {
  layerName,
  NO_TOKEN_ID,
  tokensOf,
  type RoutingSample
} from '../../base/protocol';

export interface Trigger {
  /** "layer 3", as layerName formats it. */
  router: string;
  expert: number;
  /** The last `n` token ids. */
  ids: number[];
  texts?: string[];
  /** Occurrences in different contexts, and how many of them select the expert. */
  seen: number;
  selected: number;
  /** Share of the last id's other occurrences that select the expert. */
  otherwise: number;
  correctedP: number;
}

export interface TriggerOptions {
  /** Length of a sequence. Default 2. */
  n?: number;
  significance?: number;
}

/** Maximum number of distinct sequences; later ones are ignored, so that memory stays bounded. */
const MAX_SEQUENCES = 200_000;
/** Tokens before a sequence that tell its occurrences apart. */
const BEFORE = 4;
/** More contexts are not kept, so that their repeats count. */
const MAX_OCCURRENCES = 500_000;

interface Counts {
  ids: number[];
  texts: (string | undefined)[];
  seen: number;
  selected: Map<number, number>;
}

/**
 * Sequences that occur at least 10 times and select an expert more often than their last token does elsewhere, by a
 * binomial test corrected for all (sequence, expert) pairs that occur (Benjamini and Hochberg). Smallest p first.
 * Repeats of a sequence after the same four tokens are one occurrence, and unknown tokens are in no sequence.
 */
export function ngramTriggers(
  samples: Iterable<RoutingSample>,
  { n = 2, significance = 0.05 }: TriggerOptions = {}
): Trigger[] {
  const tables = new Map<
    string,
    {
      sequences: Map<string, Counts>;
      last: Map<number, Counts>;
      occurrences: Set<string>;
    }
  >();
  for (const sample of samples) {
    for (const layer of sample.layers) {
      const key = layerName(layer);
      let table = tables.get(key);
      if (!table) {
        table = {
          sequences: new Map(),
          last: new Map(),
          occurrences: new Set()
        };
        tables.set(key, table);
      }
      const tokens = tokensOf(sample, layer);
      for (let t = 0; t < tokens.length; t++) {
        // The same text again is no further evidence.
        const context = tokens.slice(Math.max(0, t - n - BEFORE + 1), t + 1);
        const occurrence = `${context.length < n + BEFORE ? t : ''}:${context.map(({ id }) => id).join(' ')}`;
        if (table.occurrences.has(occurrence)) {
          continue;
        }
        if (table.occurrences.size < MAX_OCCURRENCES) {
          table.occurrences.add(occurrence);
        }
        const own = layer.selected.subarray(
          t * layer.topK,
          (t + 1) * layer.topK
        );
        const { id } = tokens[t];
        if (id === NO_TOKEN_ID) {
          continue;
        }
        count(table.last, id, [tokens[t]], own);
        if (t >= n - 1) {
          const part = tokens.slice(t - n + 1, t + 1);
          if (part.some(token => token.id === NO_TOKEN_ID)) {
            continue;
          }
          const name = part.map(token => token.id).join(' ');
          if (
            table.sequences.has(name) ||
            table.sequences.size < MAX_SEQUENCES
          ) {
            count(table.sequences, name, part, own);
          }
        }
      }
    }
  }
  const found: (Omit<Trigger, 'correctedP'> & { p: number })[] = [];
  let tests = 0;
  for (const [router, { sequences, last }] of tables) {
    for (const sequence of sequences.values()) {
      if (sequence.seen < MIN_SEEN) {
        continue;
      }
      const alone = last.get(sequence.ids[n - 1])!;
      for (const [expert, selected] of sequence.selected) {
        const others = alone.seen - sequence.seen;
        if (others < MIN_SEEN) {
          continue;
        }
        tests++;
        const otherwise =
          ((alone.selected.get(expert) ?? 0) - selected) / others;
        // One added selection keeps a rate of 0 from proving anything by itself.
        const rate =
          ((alone.selected.get(expert) ?? 0) - selected + 1) / (others + 2);
        if (selected / sequence.seen > rate) {
          found.push({
            router,
            expert,
            ids: sequence.ids,
            ...(sequence.texts.some(text => text === undefined)
              ? {}
              : { texts: sequence.texts as string[] }),
            seen: sequence.seen,
            selected,
            otherwise,
            p: binomialTail(selected, sequence.seen, rate)
          });
        }
      }
    }
  }
  const corrected = benjaminiHochberg(
    found.map(({ p }) => p),
    tests
  );
  return found
    .map(({ p: _, ...trigger }, i) => ({
      ...trigger,
      correctedP: corrected[i]
    }))
    .filter(({ correctedP }) => correctedP < significance)
    .sort((a, b) => a.correctedP - b.correctedP);
}

function count<K>(
  table: Map<K, Counts>,
  key: K,
  tokens: readonly { id: number; text?: string }[],
  experts: Int32Array
): void {
  let own = table.get(key);
  if (!own) {
    own = {
      ids: tokens.map(({ id }) => id),
      texts: tokens.map(({ text }) => text),
      seen: 0,
      selected: new Map()
    };
    table.set(key, own);
  }
  own.seen++;
  for (const expert of experts) {
    if (expert >= 0) {
      own.selected.set(expert, (own.selected.get(expert) ?? 0) + 1);
    }
  }
}
