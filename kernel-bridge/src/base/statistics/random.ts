/**
 * Reproducible random numbers: sfc32 (Chris Doty-Humphrey's PractRand), seeded by splitmix32. A seed gives the same
 * numbers on every machine.
 *
 * @param seed an integer from 0 to 2^53 - 1
 * @returns a function that returns the next number in [0, 1), with 53 random bits
 */
export function randomNumbers(seed: number): () => number {
  const fill = splitmix32(seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0);
  let [a, b, c, counter] = [fill(), fill(), fill(), fill()];
  const next = (): number => {
    const result = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + result;
    c |= 0;
    return result >>> 0;
  };
  // The first outputs still depend visibly on the seed.
  for (let i = 0; i < 12; i++) {
    next();
  }
  return () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
}

/** A uniformly random selection of `size` items, in random order. */
export function drawn<T>(
  list: readonly T[],
  size: number,
  random: () => number
): T[] {
  const left = [...list];
  for (let i = 0; i < size; i++) {
    const other = i + Math.floor(random() * (left.length - i));
    [left[i], left[other]] = [left[other], left[i]];
  }
  return left.slice(0, size);
}

function splitmix32(low: number, high: number): () => number {
  let state = low ^ Math.imul(high, 0x85ebca6b);
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state ^ (state >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z ^= z >>> 15;
    z = Math.imul(z, 0x735a2d97);
    return z ^ (z >>> 15);
  };
}
