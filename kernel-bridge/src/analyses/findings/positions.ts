/** Classes of positions in a sequence. */

const PARTS = 8;
/** Shorter sequences are not divided into eighths. */
const MIN_TOKENS = 16;

/** The first token, and eighths of the sequence. */
export const POSITION_CLASSES: readonly string[] = [
  'first token',
  ...Array.from({ length: PARTS }, (_, i) => `eighth ${i + 1} of the sequence`)
];

/** By kind of position, which are the first token and the eighths without it: the classes that it is of. */
export const POSITION_KINDS: readonly (readonly number[])[] = [
  [0, 1],
  ...Array.from({ length: PARTS }, (_, i) => [i + 1])
];

/** The kind of each position of a sequence; -1 in short ones. */
export function positionKinds(tokens: number): Int32Array {
  return Int32Array.from({ length: tokens }, (_, t) =>
    tokens < MIN_TOKENS
      ? -1
      : t === 0
        ? 0
        : 1 + Math.floor((t * PARTS) / tokens)
  );
}
