/** Parses numbers in the bytes of a line: there are many millions, so it allocates no strings. */

const DIGIT_0 = 0x30;
const MINUS = 0x2d;
const POINT = 0x2e;
/** Up to this many digits the sum is exact, and so is its quotient by an exact power of ten. */
const EXACT_DIGITS = 15;
const POWERS = Array.from({ length: 23 }, (_, i) => 10 ** i);

/** An integer, which may be written as a whole float such as 3.0; NaN if invalid. */
export function integerAt(line: Buffer, from: number, end: number): number {
  const negative = line[from] === MINUS;
  const start = negative ? from + 1 : from;
  const to = withoutZeros(line, start, end);
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

/** The end of a number without ".0"; programs that know missing values store integers as floats. */
function withoutZeros(line: Buffer, from: number, to: number): number {
  let end = to;
  while (end > from && line[end - 1] === DIGIT_0) {
    end--;
  }
  return end > from && line[end - 1] === POINT ? end - 1 : to;
}

const WORDS: Record<string, number> = {
  nan: NaN,
  '-nan': NaN,
  inf: Infinity,
  '-inf': -Infinity
};

/** A number as Python prints it, including "nan" and "inf"; undefined if invalid. */
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
