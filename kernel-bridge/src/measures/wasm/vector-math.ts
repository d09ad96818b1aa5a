/** Elementary functions of four numbers at a time, to the precision of a 32-bit float. */
import type { FunctionBuilder } from './assembler';

/** 1.5 * 2^23: adding it rounds to a whole number, which its low bits then hold. */
const ROUNDER = 12582912;
/** The smallest exponent whose power of two is a normal number. */
const LEAST_EXPONENT = -126;
/** 2^r for |r| <= 1/2 after 1: minimax, relative error 1.1e-7 (Remez's condition, found by Lawson's iteration). */
const POWER = [
  0.6931470036506653, 0.24022242426872253, 0.05550733581185341,
  0.009671512991189957, 0.001326472731307149
];
/** ln(1 + f) = f - f^2/2 + f^3 p(f) for sqrt(1/2) <= 1 + f < sqrt 2 (Cephes, logf). */
const LOGARITHM = [
  3.3333331174e-1, -2.4999993993e-1, 2.0000714765e-1, -1.6668057665e-1,
  1.4249322787e-1, -1.2420140846e-1, 1.16769987e-1, -1.151461031e-1,
  7.0376836292e-2
];
/** ln 2 in two parts, so that multiples of the first are exact. */
const LN2_HIGH = 0.693359375;
const LN2_LOW = -2.1219444e-4;
/** Bits of the float next to sqrt(1/2). */
const ROOT_HALF_BITS = 0x3f3504f3;

/** What the innermost loops use. */
const HOT = [...[ROUNDER, LEAST_EXPONENT, Math.LOG2E, 1], ...POWER];

/** Lanes of two vectors, four and on being those of the second: every pair of shuffles has each lane once. */
const EVEN = [0, 4, 1, 5];
const ODD = [2, 6, 3, 7];
const LOWER = [0, 1, 4, 5];
const UPPER = [2, 3, 6, 7];

export class VectorMath {
  private readonly _constants = new Map<number, number>();
  private readonly _a: number;
  private readonly _b: number;
  private readonly _c: number;

  constructor(private readonly _f: FunctionBuilder) {
    this._a = _f.local('v128');
    this._b = _f.local('v128');
    this._c = _f.local('v128');
    for (const value of HOT) {
      const local = _f.local('v128');
      this._constants.set(value, local);
      _f.f32(value).vector('f32x4.splat').set(local);
    }
  }

  /** Pushes a number in each lane: those of the innermost loops from variables. */
  splat(value: number): void {
    const local = this._constants.get(value);
    if (local === undefined) {
      this._f.f32(value).vector('f32x4.splat');
    } else {
      this._f.get(local);
    }
  }

  /** Pushes the polynomial with the coefficients, that of 1 first, of a local. */
  private _polynomial(coefficients: readonly number[], local: number): void {
    const f = this._f;
    const [highest, ...others] = [...coefficients].reverse();
    this.splat(highest);
    for (const coefficient of others) {
      f.get(local).vector('f32x4.mul');
      this.splat(coefficient);
      f.vector('f32x4.add');
    }
  }

  /**
   * Takes 2^x apart for `power`: leaves in two locals the rest of x next to a whole number, and what that adds to the bits
   * of a float. x is a local that is at most 2^22, and is first raised to `LEAST_EXPONENT`; of NaN the rest is NaN.
   */
  split(x: number, rest: number, scale: number): void {
    const f = this._f;
    f.get(x);
    this.splat(LEAST_EXPONENT);
    f.vector('f32x4.pmax').tee(x);
    this.splat(ROUNDER);
    f.vector('f32x4.add').set(scale);
    f.get(x, scale);
    this.splat(ROUNDER);
    f.vector('f32x4.sub').vector('f32x4.sub').set(rest);
    f.get(scale).i32(23).vector('i32x4.shl').set(scale);
  }

  /**
   * Pushes the power of two that `split` took apart. The polynomial is evaluated in pairs of terms, since what limits a
   * loop is how long each power waits for its own steps.
   */
  power(rest: number, scale: number): void {
    const f = this._f;
    const square = this._a;
    const [c1, c2, c3, c4, c5] = POWER;
    const pair = (low: number, high: number): void => {
      this.splat(low);
      f.get(rest);
      this.splat(high);
      f.vector('f32x4.mul').vector('f32x4.add');
    };
    f.get(rest, rest).vector('f32x4.mul').set(square);
    pair(1, c1);
    f.get(square);
    pair(c2, c3);
    f.get(square);
    pair(c4, c5);
    f.vector('f32x4.mul').vector('f32x4.add');
    f.vector('f32x4.mul').vector('f32x4.add');
    f.get(scale).vector('i32x4.add');
  }

  /** Pushes ln x of a local with normal positive numbers. */
  logarithm(x: number): void {
    const f = this._f;
    const [exponent, fraction, square] = [this._a, this._b, this._c];
    f.get(x).i32(ROOT_HALF_BITS).vector('i32x4.splat').vector('i32x4.sub');
    f.i32(23).vector('i32x4.shr_s').set(exponent);
    f.get(x, exponent).i32(23).vector('i32x4.shl').vector('i32x4.sub');
    this.splat(1);
    f.vector('f32x4.sub').tee(fraction);
    f.get(fraction).vector('f32x4.mul').set(square);
    f.get(exponent).vector('f32x4.convert_i32x4_s').set(exponent);
    this._polynomial(LOGARITHM, fraction);
    f.get(fraction).vector('f32x4.mul').get(square).vector('f32x4.mul');
    f.get(exponent);
    this.splat(LN2_LOW);
    f.vector('f32x4.mul').vector('f32x4.add').get(square);
    this.splat(0.5);
    f.vector('f32x4.mul').vector('f32x4.sub');
    f.get(fraction).vector('f32x4.add').get(exponent);
    this.splat(LN2_HIGH);
    f.vector('f32x4.mul').vector('f32x4.add');
  }

  /** Pushes a vector of what four vectors' lanes come to, that of the first in lane 0. */
  across(vectors: readonly number[], op: 'f32x4.add' | 'f32x4.pmax'): void {
    const f = this._f;
    const halves = [this._a, this._b];
    halves.forEach((half, i) => {
      const pair = [vectors[2 * i], vectors[2 * i + 1]];
      f.get(...pair).shuffle(...EVEN);
      f.get(...pair).shuffle(...ODD);
      f.vector(op).set(half);
    });
    f.get(...halves).shuffle(...LOWER);
    f.get(...halves).shuffle(...UPPER);
    f.vector(op);
  }

  /**
   * Pushes the second largest across the lanes of four vectors, of each of which the lanes of `seconds` are the second
   * largest. Both are overwritten.
   */
  secondAcross(firsts: readonly number[], seconds: readonly number[]): void {
    const f = this._f;
    const merge = (
      i: number,
      j: number,
      to: number,
      ways: number[][]
    ): void => {
      [this._a, this._b].forEach((half, way) =>
        f
          .get(firsts[i], firsts[j])
          .shuffle(...ways[way])
          .set(half)
      );
      for (const way of ways) {
        f.get(seconds[i], seconds[j]).shuffle(...way);
      }
      f.vector('f32x4.pmax').get(this._a, this._b).vector('f32x4.pmin');
      f.vector('f32x4.pmax').set(seconds[to]);
      f.get(this._a, this._b).vector('f32x4.pmax').set(firsts[to]);
    };
    merge(0, 1, 0, [EVEN, ODD]);
    merge(2, 3, 1, [EVEN, ODD]);
    merge(0, 1, 0, [LOWER, UPPER]);
    f.get(seconds[0]);
  }
}
