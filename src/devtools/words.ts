import type { TraceOutline } from 'moe-debugger/protocol';
import type { ITranslation } from '../translation';

/** "12 %": whole percents. */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** Two decimals, with a real minus sign; a dash for what is unknown. */
export function decimals(value: number, digits = 2): string {
  return Number.isFinite(value) ? value.toFixed(digits).replace('-', '−') : '–';
}

/** Its id; of an id that is its number only, "sample 0". */
export function sampleText(
  outline: TraceOutline | undefined,
  sample: number,
  trans: ITranslation
): string {
  const id = outline?.samples[sample]?.id ?? String(sample);
  return /^\d+$/.test(id) ? trans.__('sample %1', id) : id;
}

/** "242 tokens in 7 samples" */
export function sizeText(
  tokens: number,
  samples: number,
  trans: ITranslation
): string {
  return trans.__(
    '%1 in %2',
    trans._n('%2 token', '%2 tokens', tokens, tokens.toLocaleString('en')),
    trans._n('%1 sample', '%1 samples', samples)
  );
}
