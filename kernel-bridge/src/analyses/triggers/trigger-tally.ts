/** Gathers a trace's token sequences sample by sample, and finds those that trigger an expert. */
import { MoEDebuggerError } from '../../base/errors';
import { wilsonInterval } from '../../base/statistics/intervals';
import { hypergeometricTail } from '../../base/statistics/exact-tests';
import { benjaminiHochberg } from '../../base/statistics/multiple-testing';
import {
  counted,
  layerName,
  tokensOf,
  type RoutingSample,
  type Stack
} from '../../base/protocol';
import { MIN_SEEN } from '../../measures';
import { traceNotes, type TraceOrigin } from '../../run/trace/trace-notes';
import { checkOptions, type TriggerOptions } from './options';
import {
  SequenceTable,
  type RouterCounts,
  type TokenSequence
} from './sequence-table';
import { Triggers } from './triggers';
import type { Trigger } from './trigger-document';

type Candidate = Omit<Trigger, 'correctedP'> & { p: number };

/** Routers that select all experts choose nothing. */
const chooses = ({ topK, experts }: RouterCounts): boolean => topK < experts;

export class TriggerTally {
  private readonly _tables = new Map<Stack | undefined, SequenceTable>();
  private readonly _options: Required<TriggerOptions>;
  private _texts = 0;
  private _tokens = 0;

  /** @throws MoEDebuggerError 'input' naming an invalid option */
  constructor(options: TriggerOptions = {}) {
    this._options = checkOptions(options);
  }

  add(sample: RoutingSample): void {
    this._texts++;
    const stacks = new Set(sample.layers.map(({ stack }) => stack));
    for (const stack of stacks) {
      const layers = sample.layers.filter(own => own.stack === stack);
      const tokens = tokensOf(sample, layers[0]);
      this._tokens += tokens.length;
      const table =
        this._tables.get(stack) ?? new SequenceTable(this._options.n);
      this._tables.set(stack, table);
      table.add(tokens, layers);
    }
  }

  /** @throws MoEDebuggerError 'input' where there is no text, or its tokens are unknown */
  found({ model, ...origin }: { model?: string } & TraceOrigin): Triggers {
    if (this._texts === 0) {
      throw new MoEDebuggerError('input', 'the trace has no samples', {
        where: 'trace',
        hint: 'give a trace of at least one text'
      });
    }
    const tables = [...this._tables.values()];
    if (this._tokens > 0 && tables.every(({ counted: own }) => own === 0)) {
      throw new MoEDebuggerError(
        'input',
        'the tokens of the trace are unknown',
        {
          where: 'trace',
          hint: 'trace or import it with token ids or texts'
        }
      );
    }
    const { n, significance } = this._options;
    const all = tables.map(candidatesOf);
    const tests = all.reduce((sum, own) => sum + own.tests, 0);
    const candidates = all.flatMap(own => own.candidates);
    const corrected = benjaminiHochberg(
      candidates.map(({ p }) => p),
      tests
    );
    const sequences = all.reduce((sum, own) => sum + own.sequences, 0);
    return new Triggers({
      model: model ?? null,
      n,
      significance,
      texts: this._texts,
      tokens: this._tokens,
      sequences,
      tests,
      triggers: candidates
        .map(({ p: _, ...trigger }, i) => ({
          ...trigger,
          correctedP: corrected[i]
        }))
        .filter(({ correctedP }) => correctedP < significance)
        .sort((a, b) => a.correctedP - b.correctedP),
      notes: [...traceNotes(origin), ...this._notes(tables, sequences)]
    });
  }

  private _notes(
    tables: readonly SequenceTable[],
    sequences: number
  ): string[] {
    const routers = tables.flatMap(own => own.routers);
    const fixed = routers.filter(router => !chooses(router)).length;
    return [
      ...(sequences === 0
        ? [
            `nothing can be told: no sequence of ${counted(this._options.n, 'token')} occurs in ${MIN_SEEN} texts, with its last token in ${MIN_SEEN} texts elsewhere; the trace has ${counted(this._texts, 'text')}`
          ]
        : []),
      ...(fixed > 0
        ? [
            `${counted(fixed, 'router')} left out: each token selects all experts there`
          ]
        : []),
      ...(tables.some(({ full }) => full)
        ? [
            'there are more sequences than fit in memory: later ones are left out'
          ]
        : [])
    ];
  }
}

function candidatesOf(table: SequenceTable): {
  candidates: Candidate[];
  sequences: number;
  tests: number;
} {
  const result = { candidates: [] as Candidate[], sequences: 0, tests: 0 };
  for (const sequence of table.sequences) {
    const enough = table.routers.filter(({ occurrences }) => {
      const { texts, otherTexts } = occurrences.of(sequence);
      return texts >= MIN_SEEN && otherTexts >= MIN_SEEN;
    });
    result.sequences += enough.length > 0 ? 1 : 0;
    for (const router of enough.filter(chooses)) {
      const own = candidatesOfRouter(sequence, router);
      result.tests += own.tests;
      result.candidates.push(...own.candidates);
    }
  }
  return result;
}

/**
 * Fisher's exact test of texts: those that have the sequence, by whether its first occurrence selects the expert, against
 * those that have its last token elsewhere, of which the expert takes its mean share.
 */
function candidatesOfRouter(
  sequence: TokenSequence,
  router: RouterCounts
): { candidates: Candidate[]; tests: number } {
  const { tokens, last, row } = sequence;
  const first = router.firsts.row(row);
  const inside = router.sequences.row(row);
  const all = router.tokens.row(last);
  const { others, texts, otherTexts } = router.occurrences.of(sequence);
  const candidates: Candidate[] = [];
  let tests = 0;
  first.forEach((selected, expert) => {
    if (selected === 0) {
      return;
    }
    tests++;
    const otherwise = (all[expert] - inside[expert]) / others;
    const rate = selected / texts;
    if (rate > otherwise) {
      const { low, high } = wilsonInterval(selected, texts);
      candidates.push({
        router: layerName(router.place),
        ...router.place,
        expert,
        ids: tokens.map(({ id }) => id),
        ...(tokens.some(({ text }) => text === undefined)
          ? {}
          : { texts: tokens.map(({ text }) => text!) }),
        seen: texts,
        selected,
        rate,
        rateInterval: [low, high],
        otherTexts,
        otherwise,
        p: hypergeometricTail(
          selected,
          texts,
          selected + Math.ceil(otherwise * otherTexts),
          texts + otherTexts
        )
      });
    }
  });
  return { candidates, tests };
}
