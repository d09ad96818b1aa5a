/** What takes the most time of a forward pass, in sentences with their figures. */
import type { ProfileDocument, ProfiledPart } from '../../base/protocol';
import { median } from '../../base/statistics/summary';

/** Turn stored integers into numbers and back, and numbers into others. */
const CONVERSIONS = /^(Dynamic)?(Dequantize|Quantize)|^Cast$/;

/** Below this share of the time, nothing is named. */
const NAMED = 0.1;
/** A layer whose time is this many times the median of the layers is named. */
const SLOW = 1.5;

export function bottlenecks({
  rows,
  between
}: Pick<ProfileDocument, 'rows' | 'between'>): string[] {
  const inNodes = rows.reduce((sum, row) => sum + row.milliseconds, 0);
  const total = inNodes + between;
  if (!(total > 0)) {
    return [];
  }
  const percent = (part: number): string =>
    `${Math.round((100 * part) / total)} %`;
  const of = (parts: readonly ProfiledPart[]): number =>
    rows
      .filter(({ part }) => parts.includes(part))
      .reduce((sum, row) => sum + row.milliseconds, 0);
  const said: string[] = [];
  const experts = of(['experts']);
  const routing = of(['router', 'dispatch']);
  if (experts > 0 && routing / total >= NAMED) {
    said.push(
      `routing takes ${percent(routing)} beside ${percent(experts)} in experts: ${topOperators(rows, ['router', 'dispatch'])}`
    );
  }
  const operators = sums(rows, ({ op }) => op);
  const [op, time] = operators[0] ?? ['', 0];
  if (time / total >= NAMED) {
    const calls = rows
      .filter(row => row.op === op)
      .reduce((sum, row) => sum + row.calls, 0);
    said.push(
      `${op} takes ${percent(time)}, in ${calls} ${calls === 1 ? 'node' : 'nodes'}`
    );
  }
  const conversion = rows
    .filter(({ op: own }) => CONVERSIONS.test(own))
    .reduce((sum, row) => sum + row.milliseconds, 0);
  // One operator alone was named above.
  if (conversion / total >= NAMED && !CONVERSIONS.test(op)) {
    said.push(
      `turning stored integers into numbers, and casts, take ${percent(conversion)}`
    );
  }
  const layers = sums(rows, ({ place }) => place).filter(([place]) =>
    /layer \d+$/.test(place)
  );
  const usual = median(layers.map(([, own]) => own));
  for (const [place, own] of layers) {
    if (layers.length > 2 && own > SLOW * usual && own / total >= NAMED) {
      said.push(
        `${place} takes ${percent(own)}, ${(own / usual).toFixed(1)} times the median of the layers`
      );
    }
  }
  if (between / total >= NAMED) {
    said.push(
      `${percent(between)} is spent outside of nodes: many small nodes, or the profiler itself`
    );
  }
  return said;
}

function topOperators(
  rows: ProfileDocument['rows'],
  parts: readonly ProfiledPart[]
): string {
  return sums(
    rows.filter(({ part }) => parts.includes(part)),
    ({ op }) => op
  )
    .slice(0, 3)
    .map(([op]) => op)
    .join(', ');
}

/** Milliseconds by a key, the most first. */
function sums(
  rows: ProfileDocument['rows'],
  keyOf: (row: ProfileDocument['rows'][number]) => string
): [string, number][] {
  const all = new Map<string, number>();
  for (const row of rows) {
    const key = keyOf(row);
    all.set(key, (all.get(key) ?? 0) + row.milliseconds);
  }
  return [...all].sort((a, b) => b[1] - a[1]);
}
