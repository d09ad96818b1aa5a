import fc from 'fast-check';
import { decide, type LayerEvidence } from './decide';
import { ExpertPairs } from './expert-pairs';
import { loraRanks } from './lora-ranks';
import { CRITERIA } from './options';

/** Any layer; experts may be duplicates, never selected, or have zero outputs. */
const layers = fc
  .record({
    experts: fc.integer({ min: 1, max: 9 }),
    kinds: fc.array(fc.integer({ min: 0, max: 3 }), {
      minLength: 9,
      maxLength: 9
    }),
    counts: fc.array(fc.integer({ min: 0, max: 5 }), {
      minLength: 9,
      maxLength: 9
    }),
    reap: fc.array(fc.oneof(fc.float({ min: 0 }), fc.constant(NaN)), {
      minLength: 9,
      maxLength: 9
    }),
    shown: fc.boolean()
  })
  .map(({ experts, kinds, counts, reap, shown }): LayerEvidence => {
    const pairs = new ExpertPairs(experts);
    const all = Array.from({ length: experts }, (_, e) => e);
    pairs.addOutputs(
      all,
      // Experts of one kind have equal outputs, and kind 0 adds nothing.
      all.map(e => Float32Array.of(kinds[e], kinds[e] ** 2, -kinds[e]))
    );
    const own = (values: number[]): Float64Array =>
      Float64Array.from(values.slice(0, experts));
    return {
      experts,
      tokens: 5,
      importance: {
        counts: own(counts),
        gateSum: own(counts),
        ...(shown ? { reap: own(reap), ean: own(reap) } : {})
      },
      ...(shown ? { pairs } : {})
    };
  });

it('keeps the requested number, each expert once, and keeps merge targets', () => {
  fc.assert(
    fc.property(
      layers,
      fc.nat(8),
      fc.constantFrom(...CRITERIA),
      fc.constantFrom(0, 0.1, Math.SQRT2),
      (evidence, less, by, mergeDifference) => {
        const kept = Math.max(1, evidence.experts - less);
        const { keep, prune, merge, removals } = decide(evidence, kept, {
          by,
          mergeDifference
        });
        expect(keep).toHaveLength(kept);
        expect(
          [...keep, ...prune, ...merge.map(({ expert }) => expert)].sort()
        ).toEqual(Array.from({ length: evidence.experts }, (_, e) => e));
        merge.forEach(({ into }) => expect(keep).toContain(into));
        Object.values(removals)
          .filter(removed => removed !== null)
          .forEach(removed =>
            expect(removed).toHaveLength(evidence.experts - kept)
          );
      }
    )
  );
});

it('gives no rank to a NaN share', () => {
  expect(loraRanks([NaN, 1, Infinity, 1], 4)).toEqual([0, 4, 0, 4]);
  expect(loraRanks([0, 0], 4)).toEqual([0, 0]);
});

it('distributes ranks that sum to the budget, more to larger shares', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { maxLength: 12 }),
      fc.integer({ min: 1, max: 64 }),
      (shares, mean) => {
        const ranks = loraRanks(shares, mean);
        const used = shares.filter(share => share > 0).length;
        expect(ranks.reduce((a, b) => a + b, 0)).toBe(mean * used);
        shares.forEach((share, i) =>
          shares.forEach((other, j) => {
            if (share > other) {
              expect(ranks[i]).toBeGreaterThanOrEqual(ranks[j]);
            }
          })
        );
      }
    )
  );
});
