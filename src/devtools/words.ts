import type { ITranslation } from '../translation';

/** "12 %": whole percents. */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** Two decimals, with a real minus sign; a dash for what is unknown. */
export function decimals(value: number, digits = 2): string {
  return Number.isFinite(value) ? value.toFixed(digits).replace('-', '−') : '–';
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
