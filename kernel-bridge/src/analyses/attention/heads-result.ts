/** Result of the head search: scores per head, and the heads of each kind. */
import { printableLine } from '../../base/printable';
import { resultForms, saveResult } from '../../show/save-result';
import { pictureBundle, type ResultTable } from '../../show/result-table';
import { specSvg } from '../../show/still-svg';
import { headScoresFigure, type HeadScoreMatrix } from './attention-figures';
import type { Figure } from '../../show/figure';
import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../../base/kernel-api';
import { counted, layerName } from '../../base/protocol';
import { describeUnknown } from './attention-data';
import { editNotes } from '../../run/model/runnable';
import { SCORES, type HeadScores } from './head-scores';
import type { HeadKind, HeadScore, HeadsData, ScoredHead } from './heads-data';

export interface HeadsDocument extends HeadsData {
  schema: 'moe-debugger/heads@1';
}

export const KIND_OF: Record<keyof HeadScores, HeadKind> = {
  prefixMatching: 'induction',
  previousToken: 'previous-token',
  duplicateToken: 'duplicate-token'
};

export class HeadsResult implements Displayable {
  constructor(readonly data: HeadsData) {}

  get heads(): readonly ScoredHead[] {
    return this.data.heads;
  }

  /** Heads of a kind, highest score first. */
  of(kind: HeadKind): ScoredHead[] {
    const score = SCORES.find(name => KIND_OF[name] === kind)!;
    return this.heads
      .filter(({ kinds }) => kinds.includes(kind))
      .sort((a, b) => b.scores[score].mean - a.scores[score].mean);
  }

  /** A score of all heads as a figure, layers by heads. */
  figure(score: keyof HeadScores = 'prefixMatching'): Figure<HeadScoreMatrix> {
    return headScoresFigure(this.data, score, this.toString());
  }

  toJSON(): HeadsDocument {
    return { schema: 'moe-debugger/heads@1', ...this.data };
  }

  /** One line per head, then a summary. */
  toString(): string {
    const { model, sequences, threshold, accuracy, heads } = this.data;
    const removal = heads.some(own => own.accuracyWithout !== undefined);
    const titles = [
      'prefix matching',
      'previous token',
      'duplicate token',
      ...(removal ? ['accuracy without'] : [])
    ];
    return [
      `heads of ${printableLine(model)}, on ${counted(sequences.count, 'sequence')} of ${counted(sequences.length, 'random token')}, repeated once:`,
      `${''.padEnd(NAME)}${titles.map(name => name.padStart(COLUMN)).join('')}`,
      ...heads.map(head =>
        [
          nameOf(head).padEnd(NAME),
          ...SCORES.map(name =>
            formatScore(head.scores[name]).padStart(COLUMN)
          ),
          ...(removal
            ? [(head.accuracyWithout?.toFixed(3) ?? '').padStart(COLUMN)]
            : []),
          head.kinds.length > 0 ? `  ${head.kinds.join(', ')}` : ''
        ].join('')
      ),
      ...(heads.length > 0
        ? [
            `${'uniform attention'.padEnd(NAME)}${SCORES.map(name =>
              heads[0].chance[name]
                .toFixed(3)
                .padStart(COLUMN - DEVIATION)
                .padEnd(COLUMN)
            ).join('')}`
          ]
        : []),
      ...Object.values(KIND_OF).map(kind => {
        const found = this.of(kind);
        return `${kind} heads (score of ${threshold} or more): ${found.length > 0 ? found.map(nameOf).join(', ') : 'none'}`;
      }),
      `the second copy is predicted with ${(accuracy * 100).toFixed(1)} % accuracy`,
      ...this._notes()
    ].join('\n');
  }

  /** The figure of prefix matching, and all scores as a table. */
  [MIMEBUNDLE](): Promise<JsonObject> {
    return pictureBundle(this.figure().spec, this._table(), this.toString());
  }

  /**
   * Writes it to a file atomically: .json, .csv, .html, or .svg with the picture.
   * @throws MoEDebuggerError 'input' for another extension, 'environment' when the file cannot be written
   */
  save(file: string): Promise<void> {
    return saveResult(file, {
      ...resultForms(this, () => this._table()),
      '.svg': () => specSvg(this.figure().spec)
    });
  }

  private _notes(): string[] {
    return [...editNotes(this.data), ...this.data.unknown.map(describeUnknown)];
  }

  private _table(): ResultTable {
    const { model } = this.data;
    return {
      title: `heads of ${model}`,
      columns: [
        'layer',
        'head',
        ...SCORES.flatMap(name => [name, `${name} low`, `${name} high`]),
        'kinds'
      ],
      rows: this.heads.map(({ head, scores, kinds, ...layer }) => [
        layerName(layer),
        head,
        ...SCORES.flatMap(name => {
          const { mean, low, high } = scores[name];
          return [mean, low, high];
        }),
        kinds.join(' ')
      ]),
      notes: this._notes()
    };
  }
}

const NAME = 24;
const COLUMN = 17;
/** Width of the interval printed after a mean. */
const DEVIATION = 8;

function nameOf({ head, ...layer }: ScoredHead): string {
  return `${layerName(layer)} head ${head}`;
}

function formatScore({ mean, low, high }: HeadScore): string {
  return `${mean.toFixed(3)} ± ${((high - low) / 2).toFixed(3)}`;
}
