import { similarLoads, type Loaded } from './similar-loads';

const one = (
  prompt: number,
  expert: number,
  load: number,
  change: number,
  servesLast = false
): Loaded => ({ prompt, router: 0, expert, load, change, servesLast });

const controlOf = (all: Loaded[], at = 0) => similarLoads(all)[at].control;

it('averages experts of up to twice the load in the same prompt', () => {
  expect(
    controlOf([
      one(0, 0, 4, -9),
      one(0, 1, 8, -1),
      one(0, 2, 2, -3),
      one(0, 3, 9, -100),
      one(0, 4, 1, -100),
      one(0, 5, 4, -100, true),
      one(1, 1, 4, -100)
    ])
  ).toEqual({ change: -2, weight: 5 / 4 });
});

it('takes each of other prompts once where the own has none', () => {
  const all = [
    one(0, 0, 4, -9, true),
    one(1, 0, 4, -9, true),
    one(2, 0, 4, -9, true),
    one(3, 1, 3, -1, true),
    one(4, 1, 5, -2, true)
  ];
  // log(5/4) is less than log(4/3).
  expect(similarLoads(all).map(({ control }) => control?.change)).toEqual([
    -2,
    -1,
    undefined,
    -9,
    -9
  ]);
});

it('leaves others as they are', () => {
  const own = { ...one(0, 0, 4, -9), control: { change: 7, weight: 1 } };
  expect(controlOf([own, one(0, 1, 4, -1)])).toEqual(own.control);
  expect(controlOf([one(0, 0, 0, 0), one(0, 1, 0, 0)])).toBeUndefined();
  expect(controlOf([one(0, 0, 4, -9)])).toBeUndefined();
});
