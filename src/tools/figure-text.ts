/** Four decimals, or two digits and an exponent for small values. */
export function figureText(value: number | null): string {
  if (value === null) {
    return '–';
  }
  return value !== 0 && Math.abs(value) < 1e-3
    ? value.toExponential(1)
    : value.toFixed(4);
}

/** Adds the sign to the text of a change. */
export function signed(text: string): string {
  return /^[1-9]|^0\..*[1-9]/.test(text) ? `+${text}` : text.replace('-', '−');
}

/** The text of a change, with its sign. */
export function signedFigure(value: number): string {
  return signed(figureText(value));
}
