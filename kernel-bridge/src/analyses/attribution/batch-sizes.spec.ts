import { BatchSizes } from './batch-sizes';

/** Runs batches whose cost is given until a hundred entries are done; the sizes that were run. */
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

it('takes large batches where each run has a price of its own', () => {
  const { sizes, found } = sizesRun(size => 10 + 0.1 * size);
  expect(found.best(Infinity)).toBe(64);
  expect(sizes.slice(-1)).toEqual([64]);
});

it('takes few at once where larger batches are slower, and does not go on to the largest', () => {
  const { sizes, found } = sizesRun(size => (size <= 4 ? 2 + size : size ** 2));
  expect(found.best(Infinity)).toBe(4);
  expect(sizes).not.toContain(64);
});

it('is not misled by a first run that is slow', () => {
  let first = true;
  const { found } = sizesRun(size => {
    const slow = size === 16 && first ? 1000 : 0;
    first = size === 16 ? false : first;
    return slow + 10 + 0.1 * size;
  });
  expect(found.best(Infinity)).toBe(64);
});

it('never runs more than there may be', () => {
  const { sizes } = sizesRun(() => 10, 5);
  expect(Math.max(...sizes)).toBe(4);
  expect(sizesRun(() => 10, 1).sizes).not.toContain(4);
});
