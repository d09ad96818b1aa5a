/** The softmax of four tokens, and what it gives the experts that they chose. */
import type { LogitRows } from './logit-rows';

export class LogitDistribution {
  constructor(private readonly _rows: LogitRows) {}

  /** Reads four tokens; leaves minus infinity for the logits of experts that were chosen. */
  read(): void {
    const rows = this._rows;
    const { f, math, x, y, peak, valid, layout } = rows;
    rows.largest();
    math.across(rows.four, 'f32x4.pmax');
    f.set(peak);
    rows.store('peak', () => f.get(peak));
    this._exponentials();
    math.across(rows.also, 'f32x4.add');
    f.set(y);
    math.across(rows.four, 'f32x4.add');
    f.set(x);
    rows.store('sum', () => f.get(x));
    rows.store('dot', () => f.get(y));
    // NaN is not equal to itself; the tokens behind the last one are none.
    f.get(y, y).vector('f32x4.eq');
    f.vector('v128.const', ...[0, 1, 2, 3].flatMap(i => [i, 0, 0, 0]));
    f.get(rows.tokens, rows.done).op('i32.sub').vector('i32x4.splat');
    f.vector('i32x4.lt_s').vector('v128.and').set(valid);
    this._choices();
    rows.store('valid', () => f.get(valid));
    f.get(rows.base, rows.done).i32(2).op('i32.shl', 'i32.add');
    f.get(valid).vectorAt('v128.store', layout.valid);
    math.splat(1);
    f.get(x).vector('f32x4.div').get(valid).vector('v128.and').set(x);
    this._clearInvalid();
    this._addProbabilities();
  }

  /**
   * Leaves exp(x - peak) of four tokens as their powers, and in `four` and `also` their sums and dot products with
   * x - peak in bits, by lanes. Each loop does few steps, so that those of many vectors are under way at once.
   */
  private _exponentials(): void {
    const rows = this._rows;
    const { f, math, x, y, at, to, power, scale } = rows;
    const { powers, scales, bits } = rows.layout;
    for (let token = 0; token < 4; token++) {
      rows.goTo(token);
      rows.spread(rows.peak, token).set(y);
      rows.pass((offset, partial) => {
        rows.vector(offset, partial);
        f.get(y).vector('f32x4.sub');
        math.splat(Math.LOG2E);
        f.vector('f32x4.mul').set(x);
        math.split(x, power, scale);
        f.get(to, x).vectorAt('v128.store', bits + offset);
        f.get(to, power).vectorAt('v128.store', powers + offset);
        f.get(to, scale).vectorAt('v128.store', scales + offset);
      });
    }
    rows.passPowers(offset => {
      f.get(at, at)
        .vectorAt('v128.load', powers + offset)
        .set(x);
      f.get(at)
        .vectorAt('v128.load', scales + offset)
        .set(scale);
      math.power(x, scale);
      f.vectorAt('v128.store', powers + offset);
    });
    rows.four.forEach((sum, token) => {
      const dot = rows.also[token];
      rows.goTo(token);
      math.splat(0);
      f.tee(sum).set(dot);
      rows.pass(offset => {
        f.get(to)
          .vectorAt('v128.load', powers + offset)
          .set(x);
        // What is behind the row has the least power, which changes no sum.
        f.get(sum, x).vector('f32x4.add').set(sum);
        f.get(dot, x, to).vectorAt('v128.load', bits + offset);
        f.vector('f32x4.mul').vector('f32x4.add').set(dot);
      });
    });
  }

  /** Takes what the chosen experts have, rank by rank. */
  private _choices(): void {
    const rows = this._rows;
    const { f, math, valid } = rows;
    const [kept, first, second, lowest] = rows.four;
    const [logit, power] = rows.also;
    const expert = rows.to;
    math.splat(0);
    f.set(kept);
    math.splat(-Infinity);
    f.tee(first).set(second);
    math.splat(Infinity);
    f.set(lowest);
    for (let rank = 0; rank < rows.topK; rank++) {
      for (let token = 0; token < 4; token++) {
        f.get(rows.choices).at('i32.load', (token * rows.topK + rank) * 4);
        f.i32(2).op('i32.shl').tee(expert);
        f.get(rows.base).op('i32.add').get(power);
        f.loadLane(token, rows.layout.powers + token * rows.wide).set(power);
        f.get(expert, rows.logits).op('i32.add').tee(rows.at).get(logit);
        f.loadLane(token, token * rows.row).set(logit);
        f.get(rows.at)
          .f32(-Infinity)
          .at('f32.store', token * rows.row);
      }
      f.get(second, first, logit).vector('f32x4.pmin').vector('f32x4.pmax');
      f.set(second);
      f.get(first, logit).vector('f32x4.pmax').set(first);
      f.get(lowest, logit).vector('f32x4.pmin').set(lowest);
      f.get(kept, power).vector('f32x4.add').set(kept);
    }
    // An expert that was chosen twice is minus infinity the second time.
    f.get(lowest);
    math.splat(-Infinity);
    f.vector('f32x4.gt').get(valid).vector('v128.and').set(valid);
    rows.store('kept', () => f.get(kept));
    rows.store('first', () => f.get(first));
    rows.store('second', () => f.get(second));
    rows.store('lowest', () => f.get(lowest));
  }

  /** Sets the powers of tokens without a distribution to zero: they may be no numbers. */
  private _clearInvalid(): void {
    const rows = this._rows;
    const { f, to, y } = rows;
    f.get(rows.valid)
      .vector('i32x4.all_true')
      .op('i32.eqz')
      .if(() => {
        for (let token = 0; token < 4; token++) {
          rows.goTo(token);
          rows.spread(rows.valid, token).set(y);
          rows.pass(offset => {
            const place = rows.layout.powers + offset;
            f.get(to, to).vectorAt('v128.load', place).get(y);
            f.vector('v128.and').vectorAt('v128.store', place);
          });
        }
      });
  }

  /** Adds the powers of four tokens, times the inverse of their sums in `x`, to the probabilities. */
  private _addProbabilities(): void {
    const rows = this._rows;
    const { f, at, four } = rows;
    const { part, powers } = rows.layout;
    four.forEach((inverse, token) => rows.spread(rows.x, token).set(inverse));
    f.get(rows.base).set(at);
    rows.pass(offset => {
      f.get(at, at).vectorAt('v128.load', part + offset);
      four.forEach((inverse, token) => {
        const place = powers + token * rows.wide + offset;
        f.get(at).vectorAt('v128.load', place).get(inverse);
        f.vector('f32x4.mul').vector('f32x4.add');
      });
      f.vectorAt('v128.store', part + offset);
    });
  }
}
