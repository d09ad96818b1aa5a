/** The sums of a kernel of logits, in 64 bits, and what four tokens add to them. */
import { LOGIT_COUNTS, LOGIT_SUMS } from './logit-layout';
import type { LogitRows } from './logit-rows';

type Sum = (typeof LOGIT_SUMS)[number];
type Count = (typeof LOGIT_COUNTS)[number];

export class LogitTotals {
  private readonly _sums: number[];
  private readonly _counts: number[];

  /** @param decisive entropy below which a token is decisive */
  constructor(
    private readonly _rows: LogitRows,
    private readonly _decisive: number
  ) {
    this._sums = LOGIT_SUMS.map(() => _rows.f.local('v128'));
    this._counts = LOGIT_COUNTS.map(() => _rows.f.local('v128'));
  }

  /** Adds four tokens whose chosen logits are minus infinity. */
  add(): void {
    const rows = this._rows;
    const { f, math, x, y, power, peak, valid } = rows;
    const [other, first, sum] = rows.also;
    rows.largest();
    math.across(rows.four, 'f32x4.pmax');
    f.set(other);
    rows.load('first').set(first);
    f.get(first, other).vector('f32x4.pmin');
    rows.load('second').vector('f32x4.pmax').set(y);
    f.get(other, first)
      .vector('f32x4.gt')
      .vector('v128.any_true')
      .if(() => this._raiseSecond());
    rows.load('peak').set(peak);
    rows.load('valid').set(valid);
    rows.load('sum').set(sum);

    // (1 - exp(second - largest)) / sum
    f.get(y, peak).vector('f32x4.sub');
    math.splat(Math.LOG2E);
    f.vector('f32x4.mul').set(x);
    math.split(x, x, power);
    math.splat(1);
    math.power(x, power);
    f.vector('f32x4.sub').get(sum).vector('f32x4.div');
    this._add('margin', valid);
    // All experts, added in another order, may be a little more than their sum.
    rows.load('kept').get(sum).vector('f32x4.pmin').get(sum);
    f.vector('f32x4.div');
    this._add('keptMass', valid);

    // H = ln sum - dot / sum
    math.logarithm(sum);
    f.set(y);
    f.get(peak, y).vector('f32x4.add');
    this._add('zLoss', valid, 'squares');
    f.get(y);
    rows.load('dot').get(sum).vector('f32x4.div');
    math.splat(Math.LN2);
    f.vector('f32x4.mul').vector('f32x4.sub').tee(y);
    this._add('entropy', valid);
    f.get(y);
    this._add('entropySquared', valid, 'squares');
    f.get(y);
    math.splat(this._decisive);
    f.vector('f32x4.lt').get(valid).vector('v128.and').set(x);
    this._count('decisiveTokens', x);
    this._count('tokens', valid);

    f.get(other);
    math.splat(-Infinity);
    f.vector('f32x4.gt').get(valid).vector('v128.and').set(y);
    this._count('nearMissTokens', y);
    rows.load('lowest').get(other).vector('f32x4.sub');
    this._add('nearMiss', y);
  }

  /** Adds the probabilities of a few groups to those of the call, in 64 bits, and sets them to zero. */
  addProbabilities(): void {
    const rows = this._rows;
    const { f, math, base, at, to, x } = rows;
    const { part, probability } = rows.layout;
    f.get(base).set(at);
    rows.pass(offset => {
      f.get(at)
        .vectorAt('v128.load', part + offset)
        .set(x);
      f.get(at);
      math.splat(0);
      f.vectorAt('v128.store', part + offset);
      // Twice as far from the base, since they are twice as wide.
      f.get(at, at, base).op('i32.sub', 'i32.add').set(to);
      for (const half of [0, 1]) {
        const place = probability + 2 * offset + 16 * half;
        f.get(to, to).vectorAt('v128.load', place);
        this._promote(x, half);
        f.vector('f64x2.add').vectorAt('v128.store', place);
      }
    });
  }

  /** Leaves the sums and the counts in memory. */
  store(): void {
    const { f, base, layout } = this._rows;
    [...this._sums, ...this._counts].forEach((total, i) =>
      f.get(base, total).vectorAt('v128.store', layout.sums + 16 * i)
    );
  }

  /** Raises the second largest in `y`, where the two largest may both be of experts that were not chosen. */
  private _raiseSecond(): void {
    const rows = this._rows;
    const { f, math, y } = rows;
    const seconds = [rows.x, rows.peak, rows.valid, rows.power];
    const logit = rows.scale;
    rows.four.forEach((largest, token) => {
      const second = seconds[token];
      rows.goTo(token);
      math.splat(-Infinity);
      f.tee(largest).set(second);
      rows.pass((offset, partial) => {
        rows.vector(offset, partial);
        f.set(logit).get(second, largest, logit);
        f.vector('f32x4.pmin').vector('f32x4.pmax').set(second);
        f.get(largest, logit).vector('f32x4.pmax').set(largest);
      });
    });
    f.get(y);
    math.secondAcross(rows.four, seconds);
    f.vector('f32x4.pmax').set(y);
  }

  /** Adds the vector on the stack, or its squares, where the mask is set. */
  private _add(name: Sum, mask: number, what?: 'squares'): void {
    const { f, power: value, scale: wide } = this._rows;
    const total = this._sums[LOGIT_SUMS.indexOf(name)];
    f.get(mask).vector('v128.and').set(value);
    for (const half of [0, 1]) {
      this._promote(value, half);
      if (what === 'squares') {
        f.tee(wide).get(wide).vector('f64x2.mul');
      }
      f.get(total).vector('f64x2.add').set(total);
    }
  }

  /** Counts the lanes where the mask is set: all ones, which is minus one. */
  private _count(name: Count, mask: number): void {
    const count = this._counts[LOGIT_COUNTS.indexOf(name)];
    this._rows.f.get(count, mask).vector('i32x4.sub').set(count);
  }

  /** Pushes half of the lanes of a local in 64 bits. */
  private _promote(local: number, half: number): void {
    const { f } = this._rows;
    f.get(local);
    if (half === 1) {
      f.get(local).shuffle(2, 3, 2, 3);
    }
    f.vector('f64x2.promote_low_f32x4');
  }
}
