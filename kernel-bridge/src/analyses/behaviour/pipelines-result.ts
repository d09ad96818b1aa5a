/** Result of the search for expert pipelines. */
import { printableLine } from '../../base/printable';
import { writeDot, writeMermaid, type DrawnGraph } from '../../base/charts';
import { drawnGraphSvg } from '../../show/page/drawn-graph-svg';
import { escapeHtml } from '../../show/page/escape-html';
import { reportPage } from '../../show/page/page';
import { resultForms, saveResult } from '../../show/save-result';
import {
  drawnBundle,
  tableBundle,
  tableSection,
  type ResultTable
} from '../../show/result-table';
import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../../base/kernel-api';
import { counted, layerName, type ExpertPlace } from '../../base/protocol';
import type { Pipeline } from './pipeline-classes';
import type { StepEffect } from './pipeline-effects';
import type {
  PipelinesData,
  PipelinesDocument,
  WeightedStep
} from './pipelines-document';
import { drawPipelines } from './pipelines-drawing';

export class ExpertPipelines implements Displayable {
  constructor(readonly data: PipelinesData) {}

  get steps(): readonly WeightedStep[] {
    return this.data.steps;
  }

  get chains(): readonly (readonly ExpertPlace[])[] {
    return this.data.chains;
  }

  /** Chains, and steps that are in none, with the class of tokens that each carries. */
  get pipelines(): readonly Pipeline[] {
    return this.data.pipelines;
  }

  /** What cannot be told. */
  get notes(): readonly string[] {
    return this.data.notes;
  }

  /** @internal @param effects one a step */
  withEffects(effects: readonly (StepEffect | undefined)[]): ExpertPipelines {
    return new ExpertPipelines({
      ...this.data,
      steps: this.steps.map((step, i) => ({
        ...step,
        ...(effects[i] ? { effect: effects[i] } : {})
      }))
    });
  }

  /** @internal */
  withNotes(notes: readonly string[]): ExpertPipelines {
    return new ExpertPipelines({
      ...this.data,
      notes: [...this.notes, ...notes]
    });
  }

  toJSON(): PipelinesDocument {
    return { schema: 'moe-debugger/pipelines@1', ...this.data };
  }

  toString(): string {
    const { model, tokens, ids, tests, minLift, alpha, steps, notes } =
      this.data;
    return [
      `experts of ${printableLine(model)} that follow each other, on ${counted(tokens, 'token')} of ${counted(ids, 'id')}: ${steps.length} of ${counted(tests, 'pair')} ${steps.length === 1 ? 'has' : 'have'} a lift of ${minLift} or more and a corrected p of ${alpha} or less`,
      ...steps
        .slice(0, LISTED)
        .map(step =>
          [
            `${nameOf(step.from)} > ${nameOf(step.to)}`.padEnd(NAME),
            `lift ${step.lift.toFixed(2)} (${counted(step.together, 'token')}, ${step.expected.toFixed(1)} by chance)`,
            `p ${step.correctedP.toExponential(1)}`,
            ...(step.effect ? [describeEffect(step.effect)] : [])
          ].join('  ')
        ),
      ...(steps.length > LISTED ? [`and ${steps.length - LISTED} more`] : []),
      ...this._pipelinesText(),
      ...notes.map(note => `note: ${note}`)
    ].join('\n');
  }

  /** Those that carry tokens of one class first, then those that most tokens pass from end to end. */
  private _ranked(): Pipeline[] {
    return [...this.pipelines].sort(
      (a, b) =>
        Number(b.name !== undefined) - Number(a.name !== undefined) ||
        b.tokens - a.tokens
    );
  }

  private _pipelinesText(): string[] {
    const pipelines = this._ranked();
    const named = pipelines.filter(({ name }) => name !== undefined).length;
    return pipelines.length === 0
      ? []
      : [
          `${counted(pipelines.length, 'pipeline')}, of which ${named} ${named === 1 ? 'carries' : 'carry'} tokens of one class:`,
          ...pipelines.slice(0, LISTED).map(pipelineText),
          ...(pipelines.length > LISTED
            ? [`and ${pipelines.length - LISTED} more`]
            : [])
        ];
  }

  /** As Graphviz DOT. */
  toDOT(): string {
    return writeDot(this._drawing());
  }

  /** As Mermaid. */
  toMermaid(): string {
    return writeMermaid(this._drawing());
  }

  [MIMEBUNDLE](): JsonObject {
    const tables = [this._pipelinesTable(), this._table()];
    return this.steps.length === 0
      ? tableBundle(tables, this.toString())
      : drawnBundle(drawnGraphSvg(this._drawing()), tables, this.toString());
  }

  /**
   * Writes it to a file atomically: .json, .csv, .html, .svg, .dot or .mmd.
   * @throws MoEDebuggerError 'input' for another extension, 'environment' when the file cannot be written
   */
  save(file: string): Promise<void> {
    return saveResult(file, {
      ...resultForms(this, () => this._table()),
      '.html': () => this._page(),
      '.svg': () => drawnGraphSvg(this._drawing()),
      '.dot': () => this.toDOT(),
      '.mmd': () => this.toMermaid()
    });
  }

  private _drawing(): DrawnGraph {
    return drawPipelines(this.data, this._title);
  }

  private get _title(): string {
    const { model, tokens } = this.data;
    return `experts of ${printableLine(model)} that follow each other, on ${counted(tokens, 'token')}`;
  }

  private _page(): string {
    return reportPage(this._title, this.notes.join('; '), [
      ...(this.steps.length === 0
        ? []
        : [
            {
              id: 'drawing',
              title: 'Drawing',
              html: `<figure class="scroll graph" aria-label="${escapeHtml(this._title)}">${drawnGraphSvg(this._drawing())}</figure>`
            }
          ]),
      tableSection('pipelines', 'Pipelines', this._pipelinesTable()),
      tableSection('steps', 'Steps', this._table())
    ]);
  }

  private _pipelinesTable(): ResultTable {
    return {
      title: 'pipelines and what they carry',
      columns: [
        'pipeline',
        'carries',
        'lift of it',
        'low',
        'high',
        'corrected p',
        'tokens',
        'by chance',
        'lift',
        'passed',
        'alignment',
        'roles'
      ],
      rows: this._ranked().map(own => [
        own.experts.map(nameOf).join(' > '),
        own.name ?? `unclear: ${own.reason ?? ''}`,
        own.carries?.lift ?? null,
        own.carries?.liftInterval?.[0] ?? null,
        own.carries?.liftInterval?.[1] ?? null,
        own.carries?.correctedP ?? null,
        own.tokens,
        own.expected,
        own.lift,
        own.passed,
        Math.min(...own.alignment),
        own.stages.map(stageText).join(' > ')
      ])
    };
  }

  private _table(): ResultTable {
    const { steps, notes } = this.data;
    return {
      title: this._title,
      columns: [
        'from',
        'to',
        'tokens',
        'by chance',
        'lift',
        'alignment',
        'corrected p',
        'effect'
      ],
      rows: steps.map(step => [
        nameOf(step.from),
        nameOf(step.to),
        step.together,
        step.expected,
        step.lift,
        step.alignment,
        step.correctedP,
        step.effect?.mean ?? null
      ]),
      notes
    };
  }
}

const LISTED = 40;
const NAME = 42;

function nameOf({ expert, ...place }: ExpertPlace): string {
  return `${layerName(place)} expert ${expert}`;
}

function pipelineText(own: Pipeline): string {
  const { experts, name, carries, reason, tokens, lift, alignment } = own;
  const interval = carries?.liftInterval;
  const what =
    carries === undefined
      ? `unclear what it carries: ${reason}`
      : [
          `${carries.category} "${name}" at a lift of ${carries.lift.toFixed(1)}`,
          ...(interval
            ? [`(${interval[0].toFixed(1)} to ${interval[1].toFixed(1)})`]
            : [])
        ].join(' ');
  return [
    `pipeline: ${experts.map(nameOf).join(' > ')}`,
    what,
    `${counted(tokens, 'token')}, lift ${lift.toFixed(1)}, alignment ${alignment.map(score => score.toFixed(2)).join(' ')}`,
    `roles: ${own.stages.map(stageText).join(' > ')}`
  ].join('; ');
}

function stageText({ role, class: name }: Pipeline['stages'][number]): string {
  return name === undefined ? role : `${role} "${name}"`;
}

function describeEffect({
  mean,
  low,
  high,
  others,
  tokens
}: StepEffect): string {
  const spread =
    low === null || high === null ? '' : ` ± ${((high - low) / 2).toFixed(3)}`;
  return `effect on its score ${signed(mean)}${spread} over ${counted(tokens, 'token')}${others === null ? '' : `, of the other experts ${signed(others)}`}`;
}

function signed(value: number): string {
  return `${value < 0 ? '' : '+'}${value.toFixed(3)}`;
}
