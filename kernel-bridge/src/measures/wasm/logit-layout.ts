/** Where the kernel of logits finds and leaves what. */

/** Sums over the tokens that have a distribution, f64 each, in this order. */
export const LOGIT_SUMS = [
  'entropy',
  'entropySquared',
  'margin',
  'keptMass',
  'zLoss',
  'nearMiss'
] as const;
/** Counts of tokens, i32 [4] each, to be added up: behind the sums. */
export const LOGIT_COUNTS = [
  'tokens',
  'decisiveTokens',
  'nearMissTokens'
] as const;

/** What is kept of four tokens from one loop to the next, a vector each. */
export const KEPT = [
  'peak',
  'sum',
  'dot',
  'kept',
  'first',
  'second',
  'lowest',
  'valid'
] as const;
export type Kept = (typeof KEPT)[number];

/** Groups of four tokens that stay in the processor's first cache between the loops. */
export const GROUPS = 16;
/** Where things lie in the memory that a kernel works in, in bytes from its start. */
export interface LogitLayout {
  /** f64 [LOGIT_SUMS, 2], then i32 [LOGIT_COUNTS, 4]: parts, to be added up */
  sums: number;
  /** f64 [experts], of the call: probabilities summed over tokens */
  probability: number;
  /** i32 [tokens]: not zero for tokens that have a distribution */
  valid: number;
  /** f32 [tokens, experts], overwritten */
  logits: number;
  /** i32 [tokens, k] */
  selected: number;
  /** f32 [experts]: probabilities of a few groups */
  part: number;
  /** f32 [4, experts]: powers of a group */
  powers: number;
  /** i32 [4, experts]: their exponents */
  scales: number;
  /** f32 [4, experts]: logits less the largest, in bits */
  bits: number;
  /** [GROUPS, KEPT] vectors */
  kept: number;
  size: number;
}

/** Bytes of a row of whole vectors. */
export const paddedRow = (experts: number): number =>
  Math.ceil(experts / 4) * 16;

/** @param tokens at most of a call */
export function logitLayout(
  experts: number,
  topK: number,
  tokens: number
): LogitLayout {
  let end = 0;
  const take = (bytes: number): number => {
    const start = end;
    end = Math.ceil((end + bytes) / 16) * 16;
    return start;
  };
  const whole = Math.ceil(tokens / 4) * 4;
  const layout = {
    sums: take((LOGIT_SUMS.length + LOGIT_COUNTS.length) * 16),
    probability: take(2 * paddedRow(experts)),
    part: take(paddedRow(experts)),
    powers: take(4 * paddedRow(experts)),
    scales: take(4 * paddedRow(experts)),
    bits: take(4 * paddedRow(experts)),
    kept: take(GROUPS * KEPT.length * 16),
    valid: take(whole * 4),
    selected: take(whole * topK * 4),
    // The last row's last vector may reach behind it.
    logits: take(whole * experts * 4 + 16)
  };
  return { ...layout, size: end };
}
