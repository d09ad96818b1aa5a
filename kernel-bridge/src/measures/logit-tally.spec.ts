/** What the kernel finds in logits, against the formulas in 64 bits. */
import * as fc from 'fast-check';
import type { LogitTally } from './logit-tally';
import { RouterTally } from './router-tally';

interface Rows {
  experts: number;
  topK: number;
  /** [tokens, experts] */
  logits: Float32Array;
  /** [tokens, topK] */
  selected: Int32Array;
}

const FIGURES = [
  'entropy',
  'entropySquared',
  'margin',
  'keptMass',
  'zLoss',
  'nearMiss'
] as const;
const COUNTS = ['tokens', 'nearMissTokens', 'decisiveTokens'] as const;

type Expected = Record<
  (typeof FIGURES)[number] | (typeof COUNTS)[number],
  number
> & { probability: number[] };

function expected({ experts, topK, logits, selected }: Rows): Expected {
  const sums: Expected = {
    ...{ entropy: 0, entropySquared: 0, margin: 0, keptMass: 0 },
    ...{ zLoss: 0, nearMiss: 0, tokens: 0 },
    ...{ nearMissTokens: 0, decisiveTokens: 0 },
    probability: new Array<number>(experts).fill(0)
  };
  for (let t = 0; t * topK < selected.length; t++) {
    const row = [...logits.subarray(t * experts, (t + 1) * experts)];
    const chosen = new Set(selected.subarray(t * topK, (t + 1) * topK));
    const peak = Math.max(...row);
    const total = row.reduce((sum, x) => sum + Math.exp(x - peak), 0);
    const p = row.map(x => Math.exp(x - peak) / total);
    const h = p.reduce((sum, q) => sum - (q > 0 ? q * Math.log(q) : 0), 0);
    const [first, second = 0] = [...p].sort((a, b) => b - a);
    const others = row.filter((_, e) => !chosen.has(e));
    p.forEach((q, e) => (sums.probability[e] += q));
    sums.tokens++;
    sums.entropy += h;
    sums.entropySquared += h * h;
    sums.margin += first - second;
    sums.keptMass += [...chosen].reduce((sum, e) => sum + p[e], 0);
    sums.zLoss += (peak + Math.log(total)) ** 2;
    sums.decisiveTokens += h < Math.log(0.99 * experts) ? 1 : 0;
    const near =
      Math.min(...[...chosen].map(e => row[e])) - Math.max(...others);
    if (Number.isFinite(near)) {
      sums.nearMiss += near;
      sums.nearMissTokens++;
    }
  }
  return sums;
}

function found({ experts, topK, logits, selected }: Rows): LogitTally {
  const tally = new RouterTally({ layer: 0, experts, topK, score: 'softmax' });
  const weights = new Float32Array(selected.length).fill(0.5);
  tally.add({ selected, weights, logits });
  expect(tally.logits.hasKernel).toBe(true);
  return tally.logits;
}

/** @param tolerance relative to a figure, or to one a token where it is small */
function compare(rows: Rows, tolerance: number): void {
  const tally = found(rows);
  const sums = expected(rows);
  for (const name of COUNTS) {
    expect([name, tally[name]]).toEqual([name, sums[name]]);
  }
  for (const name of FIGURES) {
    const scale = Math.max(Math.abs(sums[name]), sums.tokens);
    const error = Math.abs(tally[name] - sums[name]) / scale;
    expect([name, error <= tolerance, error]).toEqual([name, true, error]);
  }
  const worst = Math.max(
    ...sums.probability.map(
      (p, e) => Math.abs(tally.probability[e] - p) / sums.tokens
    )
  );
  expect(worst).toBeLessThanOrEqual(tolerance);
}

/** Numbers of which each is as likely to be near 0 as far from it; repeatable. */
function* normal(seed: number): Generator<number> {
  let state = seed;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  for (;;) {
    yield Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next());
  }
}

/** @param chosen 'largest' logits, as routers choose, or 'any' experts, as routers with other scores may */
function makeRows(
  [experts, topK, tokens]: [number, number, number],
  spread: number,
  chosen: 'largest' | 'any',
  seed: number
): Rows {
  const values = normal(seed);
  const draw = (): number => values.next().value as number;
  const logits = new Float32Array(tokens * experts).map(() => spread * draw());
  const selected = new Int32Array(tokens * topK);
  for (let t = 0; t < tokens; t++) {
    const by = Array.from({ length: experts }, (_, e) =>
      chosen === 'any' ? draw() : logits[t * experts + e]
    );
    const order = by.map((_, e) => e).sort((a, b) => by[b] - by[a]);
    selected.set(order.slice(0, topK), t * topK);
  }
  return { experts, topK, logits, selected };
}

describe('the kernel of logits', () => {
  it('finds what the formulas give, for any number of experts, of tokens and of choices', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 70 }),
        fc.integer({ min: 1, max: 16 }),
        fc.integer({ min: 1, max: 70 }),
        fc.constantFrom(0.01, 1, 30, 300),
        fc.constantFrom('largest' as const, 'any' as const),
        fc.nat(),
        (experts, k, tokens, spread, chosen, seed) =>
          compare(
            makeRows(
              [experts, Math.min(k, experts), tokens],
              spread,
              chosen,
              seed
            ),
            1e-6
          )
      )
    );
  });

  it.each([
    [64, 8],
    [7, 2]
  ])(
    'keeps its precision over many tokens, %i experts and top-%i',
    (experts, topK) => {
      compare(makeRows([experts, topK, 40_000], 2, 'largest', 1), 2e-8);
    }
  );

  it('takes masked experts for ones of no probability', () => {
    const rows = makeRows([6, 2, 9], 1, 'largest', 3);
    for (let t = 0; t < 9; t++) {
      const masked = [0, 1, 2, 3, 4, 5].find(
        e => !rows.selected.subarray(2 * t, 2 * t + 2).includes(e)
      )!;
      rows.logits[6 * t + masked] = -Infinity;
    }
    compare(rows, 1e-6);
  });

  it('counts an expert once that a token chose twice, or though it was masked', () => {
    compare(
      {
        experts: 5,
        topK: 2,
        logits: Float32Array.of(3, 1, 2, 0, 1, 1, -Infinity, 0, 2, 1),
        selected: Int32Array.of(0, 0, 3, 1)
      },
      1e-6
    );
  });

  it('leaves out each token without a distribution, wherever it stands', () => {
    const rows = makeRows([5, 2, 11], 1, 'largest', 5);
    for (const bad of [NaN, Infinity]) {
      for (let t = 0; t < 11; t++) {
        const logits = rows.logits.slice();
        logits[5 * t + (t % 5)] = bad;
        const whole = found({ ...rows, logits });
        const without = <T extends Float32Array | Int32Array>(
          values: T,
          n: number
        ): T => values.filter((_, i) => i < t * n || i >= (t + 1) * n) as T;
        const rest = expected({
          ...rows,
          logits: without(logits, 5),
          selected: without(rows.selected, 2)
        });
        expect([whole.tokens, whole.nonFiniteTokens]).toEqual([10, 1]);
        for (const name of FIGURES) {
          expect(whole[name]).toBeCloseTo(rest[name], 5);
        }
        rest.probability.forEach((p, e) =>
          expect(whole.probability[e]).toBeCloseTo(p, 5)
        );
      }
    }
  });
});
