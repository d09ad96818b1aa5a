/** The expert selector: a grid of layers and experts to edit, and what the model writes with and without the edits. */
import { count, flag, list, object, oneOf } from './checks';
import { ProtocolError } from './error';
import {
  describeTexts,
  readEditedText,
  readGenerateAction,
  readRates,
  type EditedTextState
} from './generated';
import { decodePlace, layerName, type RouterIdentity } from './routing';

/** A router: one row of the grid. */
export type ExpertRow = Pick<
  RouterIdentity,
  'layer' | 'stack' | 'module' | 'experts' | 'topK'
>;

/**
 * What may be done to an expert: masked (a substitute enters), dropped (its term vanishes), swapped for another one at
 * the same weight, or made the only one.
 */
export const EXPERT_EDITS = ['mask', 'drop', 'swap', 'force'] as const;
export type ExpertEditKind = (typeof EXPERT_EDITS)[number];

export interface ExpertEdit {
  /** Index into `rows`. */
  row: number;
  expert: number;
  kind: ExpertEditKind;
  /** Of 'swap': the expert that runs instead. */
  to?: number;
}

export interface ExpertsState extends EditedTextState {
  rows: ExpertRow[];
  edits: ExpertEdit[];
  /** One a row: experts a token; null for the model's own. */
  topK: (number | null)[];
  canUndo: boolean;
  canRedo: boolean;
  /** Token rates of a trace, shown until something is generated: [rows][experts]. */
  traced: number[][] | null;
}

export type ExpertsAction =
  /** `kind` null takes the expert's edit back. */
  | {
      do: 'edit';
      row: number;
      expert: number;
      kind: ExpertEditKind | null;
      to?: number;
    }
  /** `row` null: all rows. `k` null: the model's own. */
  | { do: 'top-k'; row: number | null; k: number | null }
  | { do: 'generate'; prompt: string; maxNewTokens: number }
  | { do: 'cancel' | 'undo' | 'redo' | 'clear' };

const MOST_ROWS = 4096;
/** A cell is an element of the page. */
const MOST_CELLS = 1 << 15;
const MOST_EDITS = 1 << 14;

/**
 * Reads what a page asks for. Whether the model has such an expert is for the kernel to say.
 * @throws ProtocolError
 */
export function readExpertsAction(value: unknown): ExpertsAction {
  const source = object(value, 'the action');
  const name = oneOf(
    source.do,
    ['edit', 'top-k', 'generate', 'cancel', 'undo', 'redo', 'clear'],
    'the action'
  );
  switch (name) {
    case 'edit':
      return {
        do: name,
        row: count(source.row, 'row'),
        expert: count(source.expert, 'expert'),
        kind:
          source.kind === null
            ? null
            : oneOf(source.kind, EXPERT_EDITS, 'kind'),
        ...(source.to === undefined ? {} : { to: count(source.to, 'to') })
      };
    case 'top-k':
      return {
        do: name,
        row: source.row === null ? null : count(source.row, 'row'),
        k: source.k === null ? null : count(source.k, 'k')
      };
    case 'generate':
      return readGenerateAction(source);
    default:
      return { do: name };
  }
}

/**
 * Reads the state, from a notebook or a kernel.
 * @throws ProtocolError naming what is wrong, or too large to show
 */
export function readExpertsState(value: unknown): ExpertsState {
  const source = object(value, 'state');
  const rows = list(source.rows, 'rows', MOST_ROWS).map((entry, i) => {
    const row = object(entry, `rows[${i}]`);
    return {
      ...decodePlace(row, `rows[${i}]`),
      experts: count(row.experts, `rows[${i}].experts`),
      topK: count(row.topK, `rows[${i}].topK`)
    };
  });
  const cells = rows.reduce((sum, { experts }) => sum + experts, 0);
  if (rows.length === 0 || cells > MOST_CELLS) {
    throw new ProtocolError(
      `${rows.length} layers with ${cells} experts cannot be shown: 1 to ${MOST_CELLS} can`
    );
  }
  const texts = readEditedText(source, rows.length);
  for (const key of ['original', 'edited'] as const) {
    const { rates } = texts[key] ?? {};
    if (rates) {
      checkShape(rates, rows, `${key}.rates`);
    }
  }
  const traced =
    source.traced === null ? null : readRates(source.traced, 'traced');
  if (traced) {
    checkShape(traced, rows, 'traced');
  }
  const topK = list(source.topK, 'topK', MOST_ROWS).map((k, i) =>
    k === null ? null : count(k, `topK[${i}]`)
  );
  if (topK.length !== rows.length) {
    throw new ProtocolError(
      `topK has ${topK.length} entries for ${rows.length} rows`
    );
  }
  return {
    ...texts,
    rows,
    topK,
    traced,
    edits: list(source.edits, 'edits', MOST_EDITS).map((edit, i) =>
      readEdit(edit, rows, `edits[${i}]`)
    ),
    canUndo: flag(source.canUndo, 'canUndo'),
    canRedo: flag(source.canRedo, 'canRedo')
  };
}

/** In words, for places that show only text. */
export function describeExperts(model: string, state: ExpertsState): string {
  const { rows, edits, topK } = state;
  const told = [
    ...edits.map(edit => describeEdit(edit, rows)),
    ...topK.flatMap((k, row) =>
      k === null ? [] : [`top-${k} in ${layerName(rows[row])}`]
    )
  ];
  return [
    `ExpertSelector of ${model}: ${told.length === 0 ? 'no edits' : told.join(', ')}`,
    ...describeTexts(state)
  ].join('\n');
}

function describeEdit(
  { row, expert, kind, to }: ExpertEdit,
  rows: readonly ExpertRow[]
): string {
  return `${kind} expert ${expert}${to === undefined ? '' : ` for ${to}`} in ${layerName(rows[row])}`;
}

function readEdit(
  value: unknown,
  rows: readonly ExpertRow[],
  at: string
): ExpertEdit {
  const source = object(value, at);
  const row = count(source.row, `${at}.row`, rows.length - 1);
  const last = rows[row].experts - 1;
  return {
    row,
    expert: count(source.expert, `${at}.expert`, last),
    kind: oneOf(source.kind, EXPERT_EDITS, `${at}.kind`),
    ...(source.to === undefined
      ? {}
      : { to: count(source.to, `${at}.to`, last) })
  };
}

function checkShape(
  rates: readonly number[][],
  rows: readonly ExpertRow[],
  at: string
): void {
  if (
    rates.length !== rows.length ||
    rates.some((row, i) => row.length !== rows[i].experts)
  ) {
    throw new ProtocolError(`${at} does not fit the rows`);
  }
}
