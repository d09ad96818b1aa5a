/** One number of a measurement, as `npm run bench` reads it. */
export function report(section, name, value, unit, detail) {
  console.log(JSON.stringify({ section, name, value, unit, detail }));
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
