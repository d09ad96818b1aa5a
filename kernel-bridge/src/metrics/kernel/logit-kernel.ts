/** The passes over a token's logits: four at a time, with an exponential of its own. */
import { FunctionBuilder } from './assembler';

/** What is found of each token, f32 [fields][tokens]. */
export const LOGIT_FIELDS = [
  /** 1 when all logits are finite; the other fields mean nothing otherwise. */
  'finite',
  'largest',
  'second',
  /** Sum of exp(x - largest), and of that times (x - largest). */
  'sum',
  'dot',
  /** exp(x - largest) of the selected, summed. */
  'kept',
  'lowestSelected',
  'highestOther'
] as const;

export type LogitField = (typeof LOGIT_FIELDS)[number];

/** Rows are read four logits at a time. */
export function hasLogitKernel(experts: number, topK: number): boolean {
  return experts % 4 === 0 && topK <= 16;
}

/** exp(r) for |r| <= ln 2 / 2, after 1 + r: coefficients of r^2 and on (Cephes, expf). */
const POLYNOMIAL = [
  0.5, 1.6666665459e-1, 4.1665795894e-2, 8.3334519073e-3, 1.3981999507e-3,
  1.98756915e-4
];
/** ln 2 in two parts, so that multiples of it are exact. */
const LN2_HIGH = 0.693359375;
const LN2_LOW = -2.1219444e-4;
/** The smallest exponent whose exponential is a normal number. */
const LEAST = -87;

/**
 * run(logits, selected, tokens, results, scratch) reads [tokens, experts] logits, which it overwrites, and the [tokens, k]
 * experts that exist. `results` has a row of `stride` values a field, `scratch` room for the exponentials of a token and,
 * behind, f32 [experts]: probabilities, which are added to.
 */
export function logitKernel(
  experts: number,
  topK: number,
  stride: number
): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder(['i32', 'i32', 'i32', 'i32', 'i32']);
  const [row, selected, tokens, results, scratch] = [0, 1, 2, 3, 4];
  const done = f.local('i32');
  const at = f.local('i32');
  const end = f.local('i32');
  const out = f.local('i32');
  const large = f.local('f32');
  const next = f.local('f32');
  const lane = f.local('f32');
  const sum = f.local('f32');
  const lowest = f.local('f32');
  const kept = f.local('f32');
  const x = f.local('v128');
  const first = f.local('v128');
  const second = f.local('v128');
  const finite = f.local('v128');
  const peak = f.local('v128');
  const n = f.local('v128');
  const power = f.local('v128');
  const sums = f.local('v128');
  const dots = f.local('v128');
  const constant = new Map<number, number>();
  const splat = (value: number): number => {
    const known = constant.get(value);
    if (known !== undefined) {
      return known;
    }
    const local = f.local('v128');
    f.f32(value).vector('f32x4.splat').set(local);
    constant.set(value, local);
    return local;
  };
  const bytes = experts * 4;
  // Constants are made before the loops that use them.
  [
    0,
    -Infinity,
    LEAST,
    Math.LOG2E,
    LN2_HIGH,
    LN2_LOW,
    1,
    ...POLYNOMIAL
  ].forEach(splat);
  const bias = f.local('v128');
  // 127 in each lane, as an integer, from the float 127.
  f.f32(127).vector('f32x4.splat').vector('i32x4.trunc_sat_f32x4_s').set(bias);

  /** Runs over the row, or the scratch, four values at a time. */
  const pass = (from: number, body: () => void): void => {
    f.get(from).set(at);
    f.get(from).i32(bytes).op('i32.add').set(end);
    f.loop(() => {
      body();
      f.get(at).i32(16).op('i32.add').tee(at);
      f.get(end).op('i32.lt_u');
    });
  };
  const lanes = (vector: number, each: () => void): void => {
    for (let i = 0; i < 4; i++) {
      f.get(vector).vector('f32x4.extract_lane', i).set(lane);
      each();
    }
  };
  const store = (field: LogitField, value: () => void): void => {
    f.get(out);
    value();
    f.at('f32.store', LOGIT_FIELDS.indexOf(field) * stride * 4);
  };

  f.get(tokens).if(() =>
    f.loop(() => {
      f.get(results, done).i32(2).op('i32.shl', 'i32.add').set(out);

      // The two largest of each lane, and whether all are finite: x * 0 is 0.
      f.get(splat(-Infinity)).tee(first).set(second);
      f.get(splat(0), splat(0)).vector('f32x4.eq').set(finite);
      pass(row, () => {
        f.get(at).vectorAt('v128.load', 0).set(x);
        f.get(second, first, x).vector('f32x4.min').vector('f32x4.max');
        f.set(second);
        f.get(first, x).vector('f32x4.max').set(first);
        f.get(finite, x, splat(0)).vector('f32x4.mul');
        f.get(splat(0)).vector('f32x4.eq').vector('v128.and').set(finite);
      });
      f.f32(-Infinity).tee(large).set(next);
      for (const vector of [first, second]) {
        lanes(vector, () => {
          f.get(next, large, lane).op('f32.min', 'f32.max').set(next);
          f.get(large, lane).op('f32.max').set(large);
        });
      }
      store('finite', () =>
        f.f32(1).f32(0).get(finite).vector('i32x4.all_true').op('select')
      );
      store('largest', () => f.get(large));
      store('second', () => f.get(next));

      f.get(large).vector('f32x4.splat').set(peak);
      f.get(splat(0)).tee(sums).set(dots);
      pass(row, () => {
        f.get(at).vectorAt('v128.load', 0).get(peak).vector('f32x4.sub');
        f.get(splat(LEAST)).vector('f32x4.max').set(x);
        // x = n ln 2 + r; exp x = 2^n (1 + r + r^2 p(r)).
        f.get(x, splat(Math.LOG2E)).vector('f32x4.mul');
        f.vector('f32x4.nearest').set(n);
        f.get(x, n, splat(LN2_HIGH)).vector('f32x4.mul').vector('f32x4.sub');
        f.get(n, splat(LN2_LOW)).vector('f32x4.mul').vector('f32x4.sub');
        f.set(first);
        f.get(splat(POLYNOMIAL[POLYNOMIAL.length - 1]));
        for (const coefficient of [...POLYNOMIAL].reverse().slice(1)) {
          f.get(first).vector('f32x4.mul');
          f.get(splat(coefficient)).vector('f32x4.add');
        }
        f.get(first).vector('f32x4.mul').get(first).vector('f32x4.mul');
        f.get(first).vector('f32x4.add').get(splat(1)).vector('f32x4.add');
        f.get(n).vector('i32x4.trunc_sat_f32x4_s').get(bias);
        f.vector('i32x4.add').i32(23).vector('i32x4.shl');
        f.vector('f32x4.mul').set(power);
        // The exponential lies as far from the scratch as the logit from its row.
        f.get(at, scratch).op('i32.add').get(row).i32(-1).op('i32.mul');
        f.op('i32.add').get(power).vectorAt('v128.store', 0);
        f.get(sums, power).vector('f32x4.add').set(sums);
        f.get(dots, power, x).vector('f32x4.mul').vector('f32x4.add').set(dots);
      });
      f.f32(0).set(sum);
      lanes(sums, () => f.get(sum, lane).op('f32.add').set(sum));
      store('sum', () => f.get(sum));
      f.f32(0).set(large);
      lanes(dots, () => f.get(large, lane).op('f32.add').set(large));
      store('dot', () => f.get(large));

      // What is not finite has no probabilities.
      f.get(finite)
        .vector('i32x4.all_true')
        .if(() => {
          f.f32(1).get(sum).op('f32.div').vector('f32x4.splat').set(peak);
          pass(scratch, () => {
            f.get(at, at).vectorAt('v128.load', bytes);
            f.get(at).vectorAt('v128.load', 0).get(peak).vector('f32x4.mul');
            f.vector('f32x4.add').vectorAt('v128.store', bytes);
          });
        });

      f.f32(Infinity).set(lowest);
      f.f32(0).set(kept);
      for (let i = 0; i < topK; i++) {
        f.get(selected)
          .at('i32.load', i * 4)
          .i32(2)
          .op('i32.shl')
          .set(at);
        f.get(kept, at, scratch).op('i32.add').at('f32.load', 0);
        f.op('f32.add').set(kept);
        f.get(lowest, at, row).op('i32.add').at('f32.load', 0);
        f.op('f32.min').set(lowest);
      }
      for (let i = 0; i < topK; i++) {
        f.get(selected)
          .at('i32.load', i * 4)
          .i32(2)
          .op('i32.shl');
        f.get(row).op('i32.add').f32(-Infinity).at('f32.store', 0);
      }
      store('kept', () => f.get(kept));
      store('lowestSelected', () => f.get(lowest));
      f.get(splat(-Infinity)).set(first);
      pass(row, () => {
        f.get(first, at).vectorAt('v128.load', 0).vector('f32x4.max');
        f.set(first);
      });
      f.f32(-Infinity).set(large);
      lanes(first, () => f.get(large, lane).op('f32.max').set(large));
      store('highestOther', () => f.get(large));

      f.get(row).i32(bytes).op('i32.add').set(row);
      f.get(selected)
        .i32(topK * 4)
        .op('i32.add')
        .set(selected);
      f.get(done).i32(1).op('i32.add').tee(done);
      f.get(tokens).op('i32.lt_u');
    })
  );
  f.get(done);
  return f.module();
}
