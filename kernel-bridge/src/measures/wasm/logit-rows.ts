/** The variables of a kernel of logits, and its loops over the rows of four tokens. */
import { FunctionBuilder } from './assembler';
import {
  KEPT,
  logitLayout,
  paddedRow,
  type Kept,
  type LogitLayout
} from './logit-layout';
import { VectorMath } from './vector-math';

/** Vectors of a row that are read in one turn of a loop. */
const UNROLLED = 4;

export class LogitRows {
  readonly f = new FunctionBuilder(['i32', 'i32']);
  readonly math = new VectorMath(this.f);
  readonly layout: LogitLayout;
  /** Bytes of a row of logits, and of powers. */
  readonly row: number;
  readonly wide: number;
  /** The parameters. */
  readonly base = 0;
  readonly tokens = 1;
  /** Tokens before the four. */
  readonly done = this.f.local('i32');
  /** Addresses of the four: their first logit, choice and kept vector. */
  readonly logits = this.f.local('i32');
  readonly choices = this.f.local('i32');
  readonly group = this.f.local('i32');
  /** Addresses inside rows. */
  readonly at = this.f.local('i32');
  readonly to = this.f.local('i32');
  private readonly _end = this.f.local('i32');
  /** Of the four, by lanes. */
  readonly peak = this.f.local('v128');
  readonly valid = this.f.local('v128');
  /** Room for what is being computed: a vector a token, and others. */
  readonly four = [0, 1, 2, 3].map(() => this.f.local('v128'));
  readonly also = [0, 1, 2, 3].map(() => this.f.local('v128'));
  readonly x = this.f.local('v128');
  readonly y = this.f.local('v128');
  readonly power = this.f.local('v128');
  readonly scale = this.f.local('v128');

  /** @param tokens at most of a call */
  constructor(
    readonly experts: number,
    readonly topK: number,
    tokens: number
  ) {
    this.layout = logitLayout(experts, topK, tokens);
    this.row = experts * 4;
    this.wide = paddedRow(experts);
  }

  /** Goes to a token's row of logits, and `to` to that of its powers, less their place in the layout. */
  goTo(token: number): void {
    const f = this.f;
    f.get(this.logits)
      .i32(token * this.row)
      .op('i32.add')
      .set(this.at);
    f.get(this.base)
      .i32(token * this.wide)
      .op('i32.add')
      .set(this.to);
  }

  /** Pushes a token's lane of a local in all lanes. */
  spread(local: number, token: number): FunctionBuilder {
    return this.f.get(local, local).shuffle(token, token, token, token);
  }

  /** Pushes what was kept of the four. */
  load(kept: Kept): FunctionBuilder {
    const at = KEPT.indexOf(kept) * 16;
    return this.f.get(this.group).vectorAt('v128.load', at);
  }

  store(kept: Kept, value: () => void): void {
    this.f.get(this.group);
    value();
    this.f.vectorAt('v128.store', KEPT.indexOf(kept) * 16);
  }

  /**
   * Runs over the vectors of a row, `at` and `to` advancing together.
   * @param body is given the offset from both, and whether part of the vector lies behind the row
   */
  pass(body: (offset: number, partial: boolean) => void): void {
    const f = this.f;
    const whole = Math.floor(this.experts / 4);
    const turns = Math.floor(whole / UNROLLED);
    const step = UNROLLED * 16;
    let left = whole;
    if (turns > 1) {
      left -= turns * UNROLLED;
      f.get(this.at)
        .i32(turns * step)
        .op('i32.add')
        .set(this._end);
      f.loop(() => {
        for (let i = 0; i < UNROLLED; i++) {
          body(i * 16, false);
        }
        f.get(this.to).i32(step).op('i32.add').set(this.to);
        f.get(this.at).i32(step).op('i32.add').tee(this.at);
        f.get(this._end).op('i32.lt_u');
      });
    }
    for (let i = 0; i < left; i++) {
      body(i * 16, false);
    }
    if (this.experts % 4 > 0) {
      body(left * 16, true);
    }
  }

  /** Runs over the vectors of the four rows of powers, by offsets from `at`. */
  passPowers(body: (offset: number) => void): void {
    const f = this.f;
    f.get(this.base).tee(this.at);
    f.i32(4 * this.wide)
      .op('i32.add')
      .set(this._end);
    f.loop(() => {
      [0, 16, 32, 48].forEach(body);
      f.get(this.at).i32(64).op('i32.add').tee(this.at);
      f.get(this._end).op('i32.lt_u');
    });
  }

  /** Pushes logits of the row at `at`, minus infinity behind its end. */
  vector(offset: number, partial: boolean): void {
    const f = this.f;
    f.get(this.at).vectorAt('v128.load', offset);
    if (partial) {
      this.math.splat(-Infinity);
      const lanes = [0, 1, 2, 3].map(i => i < this.experts % 4);
      f.vector(
        'v128.const',
        ...lanes.flatMap(own => new Array<number>(4).fill(own ? 0xff : 0))
      ).vector('v128.bitselect');
    }
  }

  /** Leaves in `four` the largest of each row, by lanes. */
  largest(): void {
    const f = this.f;
    this.four.forEach((four, token) => {
      this.goTo(token);
      this.math.splat(-Infinity);
      f.set(four);
      this.pass((offset, partial) => {
        f.get(four);
        this.vector(offset, partial);
        f.vector('f32x4.pmax').set(four);
      });
    });
  }
}
