/** Numbers from the bytes of a line: many millions of them, so without a string for each. */

const DIGIT_0 = 0x30;
const MINUS = 0x2d;
const POINT = 0x2e;
/** Up to here a sum of digits is exact, and so is the quotient by an exact power of ten. */
const EXACT_DIGITS = 15;
const POWERS = Array.from({ length: 23 }, (_, i) => 10 ** i);

/** A whole number; NaN where there is none. */
export function integerAt(line: Buffer, from: number, to: number): number {
  const negative = line[from] === MINUS;
  const start = negative ? from + 1 : from;
  if (start >= to || to - start > EXACT_DIGITS) {
    return NaN;
  }
  let value = 0;
  for (let i = start; i < to; i++) {
    const digit = line[i] - DIGIT_0;
    if (digit < 0 || digit > 9) {
      return NaN;
    }
    value = 10 * value + digit;
  }
  return negative ? -value : value;
}

const WORDS: Record<string, number> = {
  nan: NaN,
  '-nan': NaN,
  inf: Infinity,
  '-inf': -Infinity
};

/** A number as Python prints it, "nan" and "inf" too; undefined where there is none. */
export function floatAt(
  line: Buffer,
  from: number,
  to: number
): number | undefined {
  const negative = line[from] === MINUS;
  let digits = 0;
  let decimals = 0;
  let value = 0;
  let point = false;
  let plain = true;
  for (let i = negative ? from + 1 : from; i < to && plain; i++) {
    const digit = line[i] - DIGIT_0;
    if (digit >= 0 && digit <= 9) {
      value = 10 * value + digit;
      digits++;
      decimals += point ? 1 : 0;
    } else if (line[i] === POINT && !point) {
      point = true;
    } else {
      plain = false;
    }
  }
  if (plain && digits > 0 && digits <= EXACT_DIGITS) {
    const result = value / POWERS[decimals];
    return negative ? -result : result;
  }
  const text = line.toString('latin1', from, to);
  if (/^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(text)) {
    return Number(text);
  }
  return WORDS[text.toLowerCase()];
}
