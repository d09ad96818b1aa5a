import type { ITranslation } from '../translation';
import { tokenText } from 'moe-debugger/charts';
import type { Measure } from 'moe-debugger/protocol';
import type { RoutingModel } from './model';

/** Four decimals, as everywhere in the extension. */
export function formatValue(value: number): string {
  return Number.isFinite(value) ? value.toFixed(4) : String(value);
}

export function measureName(measure: Measure, trans: ITranslation): string {
  return measure === 'weight' ? trans.__('weight') : trans.__('probability');
}

/** The lines of a reading: label and value. */
export function readingRows(
  reading: RoutingModel.IReading,
  trans: ITranslation
): [string, string][] {
  const { token, expert, weight, rank, probability } = reading;
  return [
    [trans.__('token'), `${token.position}  ${tokenText(token).slice(0, 60)}`],
    [trans.__('expert'), String(expert)],
    [
      trans.__('weight'),
      rank === null
        ? trans.__('not selected')
        : weight === null
          ? trans.__('not recorded')
          : formatValue(weight)
    ],
    ...(probability === null
      ? []
      : [
          [trans.__('probability'), formatValue(probability)] as [
            string,
            string
          ]
        ]),
    ...(rank === null
      ? []
      : [[trans.__('rank'), String(rank)] as [string, string]])
  ];
}

/** A reading as one sentence, for the status line and screen readers. */
export function readingText(
  reading: RoutingModel.IReading,
  trans: ITranslation
): string {
  return readingRows(reading, trans)
    .map(([label, value]) => `${label} ${value}`)
    .join(', ');
}
