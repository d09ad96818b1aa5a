/** A balance plan: fitted biases, the load with and without them, and the measured cost. */
import { printableLine } from '../../base/printable';
import {
  described,
  loadChangeSpec,
  type LoadChangeRow,
  type VegaLiteSpec
} from '../../base/charts';
import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../../base/kernel-api';
import { counted, layerName } from '../../base/protocol';
import type { Edits } from '../../run/edits/edits';
import { pictureBundle, type ResultTable } from '../../show/result-table';
import { resultForms, saveResult } from '../../show/save-result';
import { specSvg } from '../../show/still-svg';
import type { DomainEffect, PlanEffect } from '../held-out/measure-effect';
import type { BalanceDocument, BalancedLayer } from './balance-document';
import { biasEdits } from './bias-edits';

export class BalancePlan implements Displayable {
  readonly layers: readonly BalancedLayer[];
  /** On held-out prompts; null for a prediction. */
  readonly effect: PlanEffect | null;
  readonly warnings: readonly string[];

  constructor(private readonly _document: Omit<BalanceDocument, 'schema'>) {
    this.layers = _document.layers;
    this.effect = _document.effect;
    this.warnings = _document.warnings;
  }

  /** The biases as edits for `model.with`. */
  get edits(): Edits {
    return biasEdits(
      this.layers.flatMap(({ bias, place, ...own }) =>
        bias && place ? [{ ...own, bias, place }] : []
      )
    );
  }

  /** The Vega-Lite specification of the load before and after. */
  get spec(): VegaLiteSpec {
    return described(
      loadChangeSpec(this.layers.flatMap(changeRows)),
      this._title
    );
  }

  toJSON(): BalanceDocument {
    return { schema: 'moe-debugger/balance@1', ...this._document };
  }

  [MIMEBUNDLE](): Promise<JsonObject> {
    return pictureBundle(this.spec, this._table(), this.toString());
  }

  /**
   * Writes it to a file atomically: .json, .csv, .html or .svg.
   * @throws MoEDebuggerError 'input' for another extension, 'environment' when the file cannot be written
   */
  save(file: string): Promise<void> {
    return saveResult(file, {
      ...resultForms(this, () => this._table()),
      '.svg': () => specSvg(this.spec)
    });
  }

  private get _title(): string {
    const { model, load, heldOut } = this._document;
    return `${printableLine(model ?? 'trace')}: load with fitted biases, ${load} on ${counted(heldOut.prompts, 'held-out prompt')}`;
  }

  private _table(): ResultTable {
    return {
      title: this._title,
      columns: [
        'layer',
        'biases added to',
        'Jain',
        'Jain with biases',
        'busiest / mean',
        'with biases',
        'capacity factor',
        'with biases',
        'busiest device',
        'with replicas',
        'with biases',
        'note'
      ],
      rows: this.layers.map(own => [
        layerName(own),
        own.place ?? 'none',
        own.before.jain,
        own.after.jain,
        own.before.maxVio === null ? null : own.before.maxVio + 1,
        own.after.maxVio === null ? null : own.after.maxVio + 1,
        own.before.capacityFactor,
        own.after.capacityFactor,
        ...[own.devices.before, own.devices.replicated, own.devices.biased].map(
          busiest
        ),
        own.note ?? ''
      ]),
      notes: [
        ...(this.effect ? effectText(this.effect) : []),
        ...this.warnings.map(warning => `warning: ${warning}`)
      ]
    };
  }

  toString(): string {
    return [
      this._title,
      ...this.layers.flatMap(layerText),
      ...(this.effect ? ['Cost on held-out prompts (nats per token):'] : []),
      ...(this.effect ? effectText(this.effect).map(line => `  ${line}`) : []),
      ...this.warnings.map(warning => `warning: ${warning}`)
    ].join('\n');
  }
}

function layerText(own: BalancedLayer): string[] {
  const { before, after, devices, bias, place, note } = own;
  const change = (name: string, a: number | null, b: number | null): string =>
    `${name} ${figure(a)} -> ${figure(b)}`;
  return [
    `${layerName(own)}: ${[
      change('Jain', before.jain, after.jain),
      ...(bias
        ? [
            change(
              'capacity factor for < 1 % dropped',
              before.capacityFactor,
              after.capacityFactor
            ),
            `busiest device ${figure(busiest(devices.before))} x mean -> ${figure(busiest(devices.replicated))} with ${devices.plan.experts.length - own.experts} replicas, ${figure(busiest(devices.biased))} with biases`
          ]
        : [])
    ].join('; ')}${note ? ` (${note})` : ''}`,
    ...(bias
      ? [
          `  biases of the ${place === 'selection' ? 'selection, in no weight' : 'logits, thus of weights too'}: ${bias.map(value => Number(value.toPrecision(3))).join(' ')}`
        ]
      : [])
  ];
}

function effectText({ all, domains }: PlanEffect): string[] {
  const line = (name: string, own: DomainEffect): string =>
    `${name}: loss ${own.loss.toFixed(4)} -> ${own.lossWithPlan.toFixed(4)} (${own.change >= 0 ? '+' : ''}${own.change.toFixed(4)}${own.changeHalfWidth === null ? '' : ` ± ${own.changeHalfWidth.toFixed(4)}`}), KL ${own.kl.toFixed(4)}, ${counted(own.tokens, 'token')}`;
  return [
    ...domains.map(own => line(own.domain ?? 'no domain', own)),
    line('all', all)
  ];
}

/** The largest load over the mean; null without loads. */
function busiest(loads: readonly number[]): number | null {
  const total = loads.reduce((all, load) => all + load, 0);
  return total > 0 ? (Math.max(...loads) * loads.length) / total : null;
}

function figure(value: number | null): string {
  return value === null ? 'unknown' : value.toFixed(3);
}

function changeRows(own: BalancedLayer): LoadChangeRow[] {
  return (['before', 'after'] as const).flatMap(when => {
    const { counts } = own[when];
    const mean = counts.reduce((all, n) => all + n, 0) / counts.length;
    return counts.map((count, expert) => ({
      layer: layerName(own),
      expert,
      when,
      load: mean > 0 ? count / mean : 0
    }));
  });
}
