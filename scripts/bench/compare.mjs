/**
 * Compares a measured number with its target and with the last run. A number is
 * `{section, name, value, unit, detail?, target?, interval?, control?, better?}`: `target` is `{atMost}`, `{atLeast}` or
 * `{within: 'control'}`; `interval` is [low, high] of 95 %; `control` is `{value, interval}` of something measured against
 * itself; `better` is 'less' or 'more'.
 */

const BETTER_BY_UNIT = {
  s: 'less',
  ms: 'less',
  MB: 'less',
  nats: 'less',
  'million events/s': 'more'
};

const isMeasured = row => typeof row?.value === 'number';

/** Whether more or less is better; undefined if unknown. */
export function better({ better, target, unit }) {
  if (better) {
    return better;
  }
  if (target?.atLeast !== undefined) {
    return 'more';
  }
  return target ? 'less' : BETTER_BY_UNIT[unit];
}

/** The target as text, and whether it is met; undefined without a target or a measurement. */
export function againstTarget(row) {
  const { target, value, interval, control } = row;
  if (!target || !isMeasured(row)) {
    return undefined;
  }
  if (target.within === 'control') {
    return {
      text: "within the control's noise",
      met: interval[0] <= control.interval[1]
    };
  }
  return target.atMost !== undefined
    ? { text: `<= ${target.atMost}`, met: value <= target.atMost }
    : { text: `>= ${target.atLeast}`, met: value >= target.atLeast };
}

/** Whether a number is worse than another by more than the noise of both: neither lies in the other's interval. */
function isWorse(row, last) {
  if (!row.interval || !last.interval) {
    return false;
  }
  const worse = {
    less: (a, b) => a.value > b.interval[1] && b.value < a.interval[0],
    more: (a, b) => a.value < b.interval[0] && b.value > a.interval[1]
  }[better(row)];
  return worse ? worse(row, last) : false;
}

/** The relative change since the last run; undefined if there is nothing to compare. */
export function againstLast(row, last) {
  if (!isMeasured(row) || !isMeasured(last) || row.unit !== last.unit) {
    return undefined;
  }
  return {
    before: last.value,
    change: last.value === 0 ? undefined : row.value / last.value - 1,
    worse: isWorse(row, last)
  };
}
