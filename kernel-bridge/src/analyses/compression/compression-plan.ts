/** A compression plan: what to remove from each layer, where criteria disagree, and the measured effect. */
import { resultForms, saveResult } from '../../show/save-result';
import { tableBundle, type ResultTable } from '../../show/result-table';
import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../../base/kernel-api';
import type { Edits } from '../../run/edits/edits';
import { counted, layerName } from '../../base/protocol';
import type { CompressionDocument, LayerPlan } from './compression-document';
import { planEdits } from './plan-edits';
import type { PlanEffect, DomainEffect } from '../held-out/measure-effect';

export class CompressionPlan implements Displayable {
  readonly layers: readonly LayerPlan[];
  /** On held-out prompts; null where the graph does not support the edits. */
  readonly effect: PlanEffect | null;
  readonly warnings: readonly string[];

  constructor(private readonly _document: Omit<CompressionDocument, 'schema'>) {
    this.layers = _document.layers;
    this.effect = _document.effect;
    this.warnings = _document.warnings;
  }

  /** The plan as edits for `model.with`: pruned experts masked, merged ones swapped. */
  get edits(): Edits {
    return planEdits(this.layers);
  }

  toJSON(): CompressionDocument {
    return { schema: 'moe-debugger/compression@1', ...this._document };
  }

  [MIMEBUNDLE](): JsonObject {
    return tableBundle(
      [this._table(), ...this._effectTable()],
      this.toString()
    );
  }

  /**
   * Writes it to a file atomically: .json, .csv or .html.
   * @throws MoEDebuggerError 'input' for another extension, 'environment' when the file cannot be written
   */
  save(file: string): Promise<void> {
    return saveResult(
      file,
      resultForms(this, () => this._table())
    );
  }

  /** What the plan does to predictions, by domain. */
  private _effectTable(): ResultTable[] {
    const { effect } = this;
    return effect
      ? [
          {
            title: 'Effect on held-out prompts (nats per token)',
            columns: [
              'domain',
              'tokens',
              'loss',
              'loss with the plan',
              'change',
              '± (95 %)',
              'KL'
            ],
            rows: [...effect.domains, effect.all].map((own, i) => [
              i === effect.domains.length ? 'all' : (own.domain ?? 'no domain'),
              own.tokens,
              own.loss,
              own.lossWithPlan,
              own.change,
              own.changeHalfWidth,
              own.kl
            ])
          }
        ]
      : [];
  }

  private _table(): ResultTable {
    const { model, by, warnings } = this._document;
    return {
      title: `${model}: compression by ${by}`,
      columns: ['layer', 'experts', 'keep', 'prune', 'merge'],
      rows: this.layers.map(plan => [
        layerName(plan),
        plan.experts,
        plan.keep.join(' '),
        plan.prune.join(' '),
        plan.merge
          .map(({ expert, into }) => `${expert} into ${into}`)
          .join(', ')
      ]),
      notes: warnings.map(warning => `warning: ${warning}`)
    };
  }

  toString(): string {
    const { model, by, calibration, layers, effect, warnings } = this._document;
    return [
      `${model}: compression by ${by}, from ${counted(calibration.prompts, 'prompt')}, ${counted(calibration.tokens, 'token')}`,
      ...layers.flatMap(layerText),
      ...(effect
        ? [
            'Effect on held-out prompts (nats per token):',
            ...effect.domains.map(own =>
              effectText(own.domain ?? 'no domain', own)
            ),
            effectText('all', effect.all)
          ]
        : []),
      ...warnings.map(warning => `warning: ${warning}`)
    ].join('\n');
  }
}

function layerText(plan: LayerPlan): string[] {
  const { experts, keep, prune, merge, disagreements } = plan;
  return [
    `${layerName(plan)}: keep ${keep.length} of ${experts}` +
      (prune.length > 0 ? `; prune ${prune.join(', ')}` : '') +
      (merge.length > 0
        ? `; merge ${merge.map(({ expert, into }) => `${expert} into ${into}`).join(', ')}`
        : ''),
    ...disagreements.map(
      ({ expert, removedBy, keptBy }) =>
        `  expert ${expert}: ${removedBy.join(', ')} would remove it, ${keptBy.join(', ')} keep it`
    )
  ];
}

function effectText(name: string, effect: DomainEffect): string {
  const { loss, lossWithPlan, change, changeHalfWidth, kl, tokens } = effect;
  const sure =
    changeHalfWidth === null ? '' : ` ± ${changeHalfWidth.toFixed(4)}`;
  return `  ${name}: loss ${loss.toFixed(4)} -> ${lossWithPlan.toFixed(4)} (${change >= 0 ? '+' : ''}${change.toFixed(4)}${sure}), KL ${kl.toFixed(4)}, ${tokens} tokens`;
}
