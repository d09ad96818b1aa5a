/**
 * One number of a measurement, as `npm run bench` reads it.
 *
 * @param more `target`: `{atMost}`, `{atLeast}` or `{within: 'control'}`; `measured` and `control`: what `ratios` gives;
 *   `better`: 'less' or 'more', where neither the target nor the unit says so
 */
export function report(section, name, value, unit, detail, more = {}) {
  const { measured, control, target, better } = more;
  console.log(
    JSON.stringify({
      section,
      name,
      value,
      unit,
      detail,
      target,
      better,
      interval: measured && [measured.low, measured.high],
      control: control && {
        value: control.ratio,
        interval: [control.low, control.high]
      }
    })
  );
}

export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = Math.floor(at);
  const high = Math.ceil(at);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

export const median = values => quantile(values, 0.5);

export const format = value => value.toFixed(3);
