/** What the logits of ordinary tokens add to the sums of a router: four tokens, and four logits, at a time. */
import { LogitDistribution } from './logit-distribution';
import { GROUPS, KEPT } from './logit-layout';
import { LogitRows } from './logit-rows';
import { LogitTotals } from './logit-totals';

/** The choices of a token are unrolled. */
export const hasLogitKernel = (topK: number): boolean => topK <= 16;

/**
 * run(base, tokens) reads the logits and the choices, which exist, of tokens at an address with the layout of
 * `logitLayout`; leaves their sums and counts, and adds to the probabilities. Experts that are masked by -Infinity have
 * no probability. A token adds nothing that has NaN, Infinity or nothing but masked experts, or that chose a masked
 * expert, or one twice.
 * @param tokens at most of a call
 * @param decisive entropy in nats below which a token is decisive
 */
export function logitKernel(
  experts: number,
  topK: number,
  tokens: number,
  decisive: number
): Uint8Array<ArrayBuffer> {
  const rows = new LogitRows(experts, topK, tokens);
  const distribution = new LogitDistribution(rows);
  const totals = new LogitTotals(rows, decisive);
  const { f, layout, done } = rows;
  const first = f.local('i32');
  const turn = f.local('i32');
  const rest = f.local('i32');
  /** Runs over the tokens between `first` and `first + rest`, four at a time. */
  const each = (body: () => void): void => {
    f.get(first).set(done);
    f.get(rows.base).i32(layout.kept).op('i32.add').set(rows.group);
    for (const [address, start, bytes] of [
      [rows.logits, layout.logits, rows.row],
      [rows.choices, layout.selected, topK * 4]
    ]) {
      f.get(rows.base).i32(start).op('i32.add').get(first);
      f.i32(bytes).op('i32.mul', 'i32.add').set(address);
    }
    f.i32(0).set(turn);
    f.loop(() => {
      body();
      for (const [local, step] of [
        [rows.logits, 4 * rows.row],
        [rows.choices, 16 * topK],
        [rows.group, 16 * KEPT.length],
        [done, 4],
        [turn, 4]
      ]) {
        f.get(local).i32(step).op('i32.add').set(local);
      }
      f.get(turn, rest).op('i32.lt_u');
    });
  };

  f.get(rows.tokens).if(() =>
    f.loop(() => {
      // As many groups as stay in the first cache, or are left.
      const most = 4 * GROUPS;
      f.get(done).set(first);
      f.get(rows.tokens, done).op('i32.sub').tee(rest);
      f.i32(most).get(rest).i32(most).op('i32.lt_u', 'select').set(rest);
      each(() => distribution.read());
      each(() => totals.add());
      totals.addProbabilities();
      f.get(done, rows.tokens).op('i32.lt_u');
    })
  );
  totals.store();
  f.get(done);
  return f.module();
}
