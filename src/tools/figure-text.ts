/** Four digits, whatever the size. */
export function figureText(value: number | null): string {
  if (value === null) {
    return '–';
  }
  return value !== 0 && Math.abs(value) < 1e-3
    ? value.toExponential(1)
    : value.toFixed(4);
}

/** What `text` says, with its sign, where it is one of a change. */
export function signed(text: string): string {
  return /^[1-9]|^0\..*[1-9]/.test(text) ? `+${text}` : text.replace('-', '−');
}

/** The same of a number. */
export function signedFigure(value: number): string {
  return signed(figureText(value));
}
