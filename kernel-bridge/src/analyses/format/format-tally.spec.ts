/** Distances of routing with known values, and what a single text or a router of k = E comes to. */
import { anything, samplesOf, type Rule } from '../../../test/made-samples';
import type { RoutingSample } from '../../base/protocol';
import { FormatTally } from './format-tally';

const [LEFT, RIGHT]: Rule[] = [() => [0, 1], () => [2, 3]];
const one = (rule: Rule, experts = 8): RoutingSample =>
  samplesOf(rule, { samples: 1, experts })[0];

it('is 0 when nothing changes, and 1 when a variant is like another text', () => {
  const tally = new FormatTally();
  const [a, b] = [one(LEFT), one(RIGHT)];
  tally.add(a, [
    { kind: 'case', variant: a, arbitrary: b },
    { kind: 'list', variant: b, arbitrary: b }
  ]);
  tally.add(b, [
    { kind: 'case', variant: b, arbitrary: a },
    { kind: 'list', variant: a, arbitrary: a }
  ]);
  const [same, other, none] = tally.effects(['case', 'list', 'quote']);
  expect(tally.toOtherText!.mean).toBe(1);
  expect(same.change).toEqual({ mean: 0, low: 0, high: 0 });
  expect(same.ofArbitrary!.mean).toBe(0);
  expect(same.ofOtherText!.mean).toBe(0);
  expect(same.kept!.change.mean).toBe(0);
  expect(other.ofOtherText!.mean).toBe(1);
  expect(other.ofArbitrary!.mean).toBe(1);
  expect(other.layers).toEqual([
    { layer: 3, change: 1, arbitrary: 1, toOtherText: 1 }
  ]);
  expect(none).toMatchObject({
    texts: 0,
    change: null,
    verdict: 'unclear',
    reason: 'no text is changed by it'
  });
});

it('counts the slots of kept tokens that moved', () => {
  const tally = new FormatTally();
  const a = one(LEFT);
  // Ten tokens lose one of their two experts, and the text gets 5 tokens more at its end.
  const selected = a.layers[0].selected.slice();
  for (let t = 0; t < 10; t++) {
    selected[2 * t] = 7;
  }
  const variant: RoutingSample = {
    ...a,
    tokens: [
      ...a.tokens,
      ...Array.from({ length: 5 }, (_, i) => ({
        position: 50 + i,
        id: 900 + i
      }))
    ],
    layers: [
      {
        ...a.layers[0],
        selected: Int32Array.from([
          ...selected,
          ...new Array<number>(10).fill(5)
        ])
      }
    ]
  };
  tally.add(a, [{ kind: 'list', variant, arbitrary: a }]);
  const [{ kept }] = tally.effects(['list']);
  expect(kept!.tokens).toBe(50);
  expect(kept!.change.mean).toBeCloseTo(10 / 100, 12);
  expect(kept!.arbitrary.mean).toBe(0);
});

it('says of one text that there is no telling', () => {
  const tally = new FormatTally();
  const a = one(anything);
  tally.add(a, [{ kind: 'case', variant: one(LEFT), arbitrary: a }]);
  expect(tally.toOtherText).toBeNull();
  expect(tally.effects(['case'])).toEqual([
    expect.objectContaining({
      change: { mean: expect.any(Number), low: null, high: null },
      ofOtherText: null,
      correctedP: null,
      verdict: 'unclear',
      reason: 'cannot tell yet: one text shows no difference between texts'
    })
  ]);
});

it('leaves out a router of which each token selects all experts', () => {
  const tally = new FormatTally();
  const all = one(LEFT, 2);
  tally.add(all, [{ kind: 'case', variant: all, arbitrary: all }]);
  expect(tally.allSelected).toHaveLength(1);
  expect(tally.effects(['case'])[0]).toMatchObject({
    change: null,
    reason: 'each token selects all experts: nothing is chosen'
  });
});

it('has intervals that leave out one text at a time', () => {
  // Distances between three texts, by hand: shares of experts 0 and 1 against those of 2 and 3.
  const tally = new FormatTally();
  for (const rule of [LEFT, LEFT, RIGHT]) {
    tally.add(one(rule), []);
  }
  // Pairs: 0, 1, 1. Without a text: 1, 1, 0.
  const mean = 2 / 3;
  const half =
    4.302652729911275 * Math.sqrt((2 / 3) * (2 * (1 / 3) ** 2 + (2 / 3) ** 2));
  expect(tally.toOtherText!.mean).toBeCloseTo(mean, 12);
  expect(tally.toOtherText!.high).toBeCloseTo(mean + half, 6);
  expect(tally.toOtherText!.low).toBe(0);
});
