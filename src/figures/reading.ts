import type { ITranslation } from '../translation';
import type { MatrixCell } from 'moe-debugger/charts';
import type { Drawing, LoadIntervalRow } from 'moe-debugger/protocol';

/** The value of a cell or bar as text; undefined outside the figure. */
export function readingOf(
  drawing: Drawing,
  datum: unknown,
  trans: ITranslation
): string | undefined {
  if (drawing.kind === 'matrix') {
    const { row, column, value } = (datum ?? {}) as Partial<MatrixCell>;
    return row === undefined || column === undefined || value === undefined
      ? undefined
      : `${named(drawing.y.title, row)}, ${named(drawing.x.title, column)}: ${drawing.measure} ${value.toFixed(3)}`;
  }
  const { expert, selections, tokenRate, low, high } = (datum ??
    {}) as Partial<LoadIntervalRow>;
  return expert === undefined ||
    tokenRate === undefined ||
    low === undefined ||
    high === undefined
    ? undefined
    : trans.__(
        'expert %1: %2 % of tokens (%3 to %4 %), %5 selections',
        expert,
        percent(tokenRate),
        percent(low),
        percent(high),
        selections
      );
}

function named(title: string | null, label: string): string {
  return title === null ? label : `${title} ${label}`;
}

function percent(rate: number): string {
  return (100 * rate).toFixed(1);
}
