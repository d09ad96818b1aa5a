/** "12 %": whole percents. */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** Two decimals, with a real minus sign; a dash for what is unknown. */
export function decimals(value: number, digits = 2): string {
  return Number.isFinite(value) ? value.toFixed(digits).replace('-', '−') : '–';
}
