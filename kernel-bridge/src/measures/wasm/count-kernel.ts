/** Counts the slots of ordinary tokens: experts that exist, finite weights in falling order. */
import { FunctionBuilder } from './assembler';

/** Where things lie in the memory of one tally, in bytes from its start. */
export interface CountLayout {
  /** i32 [experts], of the chunk */
  counts: number;
  /** i32 [experts], of the chunk */
  first: number;
  /** i32 [experts]: the last token, by its running number, that selected the expert */
  stamps: number;
  /** f64 [experts], running */
  gates: number;
  /** f64 [2], running: weights of first and second choices */
  weights: number;
  /** i32 [5]: running number of the token, first choice before, repeats, overlap, transitions with overlap */
  repeats: number;
  /** i32 [experts, experts], running: neighbouring ranks, and ranks further apart */
  adjacent: number;
  distant: number;
  size: number;
}

export const REPEAT_FIELDS = {
  number: 0,
  first: 4,
  repeats: 8,
  overlap: 12,
  any: 16
} as const;

/** Unrolling further would make code that no cache holds. */
export const MAX_UNROLLED = 16;

export function countLayout(experts: number): CountLayout {
  let end = 0;
  const take = (bytes: number): number => {
    const start = end;
    end = Math.ceil((end + bytes) / 16) * 16;
    return start;
  };
  const layout = {
    counts: take(experts * 4),
    first: take(experts * 4),
    stamps: take(experts * 4),
    gates: take(experts * 8),
    weights: take(16),
    repeats: take(20),
    adjacent: take(experts * experts * 4),
    distant: take(experts * experts * 4)
  };
  return { ...layout, size: end };
}

/**
 * run(selected, weights, tokens, base) counts tokens until one is out of the ordinary and returns how many it counted.
 * `selected` and `weights` are addresses of [tokens, k]; `base` that of the tally's memory.
 */
export function countKernel(
  experts: number,
  topK: number
): Uint8Array<ArrayBuffer> {
  const at = countLayout(experts);
  const f = new FunctionBuilder(['i32', 'i32', 'i32', 'i32']);
  const [selected, weights, tokens, base] = [0, 1, 2, 3];
  const done = f.local('i32');
  const number = f.local('i32');
  const before = f.local('i32');
  const repeats = f.local('i32');
  const overlap = f.local('i32');
  const any = f.local('i32');
  const common = f.local('i32');
  const address = f.local('i32');
  const bad = f.local('i32');
  const firstWeight = f.local('f64');
  const secondWeight = f.local('f64');
  const ranks = Array.from({ length: topK }, (_, i) => i);
  const expert = ranks.map(() => f.local('i32'));
  // Where the expert's i32 counters are in a row of them, and the address of its row of pairs.
  const own = ranks.map(() => f.local('i32'));
  const row = ranks.map(() => f.local('i32'));
  const weight = ranks.map(() => f.local('f32'));

  const state: [number, number][] = [
    [number, REPEAT_FIELDS.number],
    [before, REPEAT_FIELDS.first],
    [repeats, REPEAT_FIELDS.repeats],
    [overlap, REPEAT_FIELDS.overlap],
    [any, REPEAT_FIELDS.any]
  ];
  const save = (): void => {
    for (const [local, offset] of state) {
      f.get(base, local).at('i32.store', at.repeats + offset);
    }
    f.get(base, firstWeight).at('f64.store', at.weights);
    f.get(base, secondWeight).at('f64.store', at.weights + 8);
  };
  /** Adds one to a counter at an address that is on the stack. */
  const increment = (offset: number): void => {
    f.tee(address).get(address).at('i32.load', offset).i32(1).op('i32.add');
    f.at('i32.store', offset);
  };

  for (const [local, offset] of state) {
    f.get(base)
      .at('i32.load', at.repeats + offset)
      .set(local);
  }
  f.get(base).at('f64.load', at.weights).set(firstWeight);
  f.get(base)
    .at('f64.load', at.weights + 8)
    .set(secondWeight);

  f.get(tokens).if(() =>
    f.loop(() => {
      for (const i of ranks) {
        f.get(selected)
          .at('i32.load', i * 4)
          .set(expert[i]);
        f.get(weights)
          .at('f32.load', i * 4)
          .set(weight[i]);
      }
      // The first weight is below infinity, the last above minus infinity, and each not above the one before: NaN fails.
      f.get(weight[0]).f32(Infinity).op('f32.lt', 'i32.eqz');
      f.get(weight[topK - 1])
        .f32(-Infinity)
        .op('f32.gt', 'i32.eqz', 'i32.or');
      for (const i of ranks) {
        f.get(expert[i]).i32(experts).op('i32.ge_u', 'i32.or');
        if (i > 0) {
          f.get(weight[i], weight[i - 1]).op('f32.le', 'i32.eqz', 'i32.or');
        }
      }
      f.tee(bad).if(() => {
        save();
        f.get(done).op('return');
      });

      f.get(number).i32(1).op('i32.add').set(number);
      f.i32(0).set(common);
      for (const i of ranks) {
        f.get(expert[i]).i32(2).op('i32.shl').tee(own[i]);
        f.i32(experts).op('i32.mul').get(base).op('i32.add').set(row[i]);
        f.get(base, own[i]).op('i32.add');
        increment(at.counts);
        f.get(address).at('i32.load', at.stamps);
        f.get(number).i32(-1).op('i32.add', 'i32.eq');
        f.get(common).op('i32.add').set(common);
        f.get(address, number).at('i32.store', at.stamps);
        if (i === 0) {
          f.get(address);
          increment(at.first);
        }
        f.get(base, expert[i]).i32(3).op('i32.shl', 'i32.add').tee(address);
        f.get(address).at('f64.load', at.gates);
        f.get(weight[i]).op('f64.promote_f32', 'f64.add');
        f.at('f64.store', at.gates);
      }
      for (const i of ranks) {
        for (const j of ranks.slice(i + 1)) {
          f.get(row[i], own[j]).op('i32.add');
          increment(j === i + 1 ? at.adjacent : at.distant);
        }
      }
      f.get(overlap, common).op('i32.add').set(overlap);
      f.get(any, common).i32(0).op('i32.ne', 'i32.add').set(any);
      f.get(repeats, expert[0], before);
      f.op('i32.eq', 'i32.add').set(repeats);
      f.get(expert[0]).set(before);
      f.get(firstWeight, weight[0]);
      f.op('f64.promote_f32', 'f64.add').set(firstWeight);
      if (topK > 1) {
        f.get(secondWeight, weight[1]);
        f.op('f64.promote_f32', 'f64.add').set(secondWeight);
      }

      f.get(selected)
        .i32(topK * 4)
        .op('i32.add')
        .set(selected);
      f.get(weights)
        .i32(topK * 4)
        .op('i32.add')
        .set(weights);
      f.get(done).i32(1).op('i32.add').tee(done);
      f.get(tokens).op('i32.lt_u');
    })
  );
  save();
  f.get(done);
  return f.module();
}
