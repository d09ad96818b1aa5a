/** Expert selector: a grid of layers and experts to edit, and the generated text with and without the edits. */
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
 * Edits of an expert: mask (a substitute is selected), drop (its output is removed), swap (another expert runs with the
 * same weight), or force (it is the only one).
 */
export const EXPERT_EDITS = ['mask', 'drop', 'swap', 'force'] as const;
export type ExpertEditKind = (typeof EXPERT_EDITS)[number];

export interface ExpertEdit {
  /** Index into `rows`. */
  row: number;
  expert: number;
  kind: ExpertEditKind;
  /** For 'swap': the expert that runs instead. */
  to?: number;
}

export interface ExpertsState extends EditedTextState {
  rows: ExpertRow[];
  edits: ExpertEdit[];
  /** One per row: experts per token; null for the model's own k. */
  topK: (number | null)[];
  canUndo: boolean;
  canRedo: boolean;
  /** Token rates of a trace, shown before anything is generated: [rows][experts]. */
  traced: number[][] | null;
}

export type ExpertsAction =
  /** `kind` null removes the expert's edit. */
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

const MAX_ROWS = 4096;
/** A cell is an element of the page. */
const MAX_CELLS = 1 << 15;
const MAX_EDITS = 1 << 14;

/**
 * Validates an action of a page. The kernel checks whether the model has such an expert.
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
 * Validates the state from a notebook or a kernel.
 * @throws ProtocolError naming what is invalid, or too large to show
 */
export function readExpertsState(value: unknown): ExpertsState {
  const source = object(value, 'state');
  const rows = list(source.rows, 'rows', MAX_ROWS).map((entry, i) => {
    const row = object(entry, `rows[${i}]`);
    return {
      ...decodePlace(row, `rows[${i}]`),
      experts: count(row.experts, `rows[${i}].experts`),
      topK: count(row.topK, `rows[${i}].topK`)
    };
  });
  const cells = rows.reduce((sum, { experts }) => sum + experts, 0);
  if (rows.length === 0 || cells > MAX_CELLS) {
    throw new ProtocolError(
      `${rows.length} layers with ${cells} experts cannot be shown: 1 to ${MAX_CELLS} can`
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
  const topK = list(source.topK, 'topK', MAX_ROWS).map((k, i) =>
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
    edits: list(source.edits, 'edits', MAX_EDITS).map((edit, i) =>
      readEdit(edit, rows, `edits[${i}]`)
    ),
    canUndo: flag(source.canUndo, 'canUndo'),
    canRedo: flag(source.canRedo, 'canRedo')
  };
}

/** As text, for places that show nothing else. */
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
