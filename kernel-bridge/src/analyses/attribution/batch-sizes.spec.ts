import { BatchSizes } from './batch-sizes';

/** Runs batches of a given cost until a hundred entries are done. @returns the batch sizes */
function sizesRun(
  cost: (size: number) => number,
  largest = Infinity
): { sizes: number[]; found: BatchSizes } {
  const found = new BatchSizes();
  const sizes: number[] = [];
  for (let done = 0; done < 300;) {
    const size = found.next(largest);
    sizes.push(size);
    found.add(size, cost(size));
    done += size;
  }
  return { sizes, found };
}

it('uses large batches where each run has a fixed cost', () => {
  const { sizes, found } = sizesRun(size => 10 + 0.1 * size);
  expect(found.best(Infinity)).toBe(64);
  expect(sizes.slice(-1)).toEqual([64]);
});

it('uses small batches where larger ones are slower, and does not try the largest', () => {
  const { sizes, found } = sizesRun(size => (size <= 4 ? 2 + size : size ** 2));
  expect(found.best(Infinity)).toBe(4);
  expect(sizes).not.toContain(64);
});

it('is not misled by a slow first run', () => {
  let first = true;
  const { found } = sizesRun(size => {
    const slow = size === 16 && first ? 1000 : 0;
    first = size === 16 ? false : first;
    return slow + 10 + 0.1 * size;
  });
  expect(found.best(Infinity)).toBe(64);
});

it('never exceeds the limit', () => {
  const { sizes } = sizesRun(() => 10, 5);
  expect(Math.max(...sizes)).toBe(4);
  expect(sizesRun(() => 10, 1).sizes).not.toContain(4);
});
