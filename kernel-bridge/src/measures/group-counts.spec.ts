import { GroupCounts } from './group-counts';

it('joins pieces with little new text, which are no groups of their own', () => {
  const groups = new GroupCounts(2);
  groups.add([20, 0], 20);
  groups.add([0, 3], 3);
  groups.add([3, 0], 3);
  groups.add([0, 0], 0);
  expect(groups.tokens).toEqual([20]);
  groups.add([0, 4], 4);
  expect(groups.tokens).toEqual([20, 10]);
  expect(groups.counts.map(counts => [...counts])).toEqual([
    [20, 0],
    [3, 7]
  ]);
});
