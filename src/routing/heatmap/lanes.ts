/** A layer of the heatmap: its place, and the row of each of its experts. */
export interface ILane {
  /** Index into the layers of the sample. */
  layerIndex: number;
  top: number;
  height: number;
  rows: number;
  /** The row of each expert. Experts may share a row, which shows the largest of their values. */
  rowOf: Int32Array;
  /** The layer in focus has a label for each row; the others are context. */
  isFocus: boolean;
}

/** The rows of the layer in focus. */
export interface IRows {
  /** The experts that have a row of their own, from the top. */
  experts: readonly number[];
  /** Those that share the last row; 0 where each has its own. */
  folded: number;
  rowOf: Int32Array;
}

/** Above this many experts the least used ones share a row, until it is opened. */
const MAX_ROWS = 32;
const SHOWN_OF_MANY = 24;

/**
 * Rows by expert; of many experts by load, the least used ones in one row.
 * @param loads selections of each expert
 * @param kept an expert that has a row whatever its load
 */
export function rowsOf(
  loads: ArrayLike<number>,
  { isOpen = false, kept }: { isOpen?: boolean; kept?: number } = {}
): IRows {
  const all = Array.from({ length: loads.length }, (_, expert) => expert);
  if (all.length <= MAX_ROWS) {
    return { experts: all, folded: 0, rowOf: Int32Array.from(all) };
  }
  const byLoad = [...all].sort((a, b) => loads[b] - loads[a] || a - b);
  const shown = isOpen ? byLoad : byLoad.slice(0, SHOWN_OF_MANY);
  if (!isOpen && kept !== undefined && !shown.includes(kept)) {
    shown[shown.length - 1] = kept;
  }
  const rowOf = new Int32Array(all.length).fill(shown.length);
  shown.forEach((expert, row) => {
    rowOf[expert] = row;
  });
  return { experts: shown, folded: all.length - shown.length, rowOf };
}

/** Layers around the layer in focus, where there are more than these. */
const MAX_CONTEXT = 12;
const AROUND = 6;
const LANE_GAP = 6;
const FOCUS_GAP = 12;
/** Height of a row of a layer around, and of all of them, in pixels. */
const CONTEXT_ROW = 5;
const MAX_CONTEXT_HEIGHT = 40;
const MAX_FOCUS_HEIGHT = 360;

/** The indices of the layers that are drawn, in their order. */
export function shownLayers(
  count: number,
  focus: number,
  hasContext: boolean
): number[] {
  const all = Array.from({ length: count }, (_, i) => i);
  return all.filter(
    i =>
      i === focus ||
      (hasContext &&
        (count <= MAX_CONTEXT + 1 || Math.abs(i - focus) <= AROUND))
  );
}

/** Height of a row of the layer in focus, in pixels. */
function focusRow(rows: number): number {
  const wanted = Math.floor(MAX_FOCUS_HEIGHT / Math.max(1, rows));
  return rows > MAX_ROWS
    ? Math.max(12, Math.min(wanted, 14))
    : Math.max(12, Math.min(wanted, 20));
}

/** Places layers below each other. */
export function placeLanes(
  layers: readonly { layerIndex: number; experts: number }[],
  focus: number,
  rows: IRows,
  top: number
): ILane[] {
  let at = top;
  return layers.map(({ layerIndex, experts }, i) => {
    const isFocus = layerIndex === focus;
    const own = isFocus ? focusLane(rows) : contextLane(experts);
    if (i > 0) {
      at +=
        isFocus || layers[i - 1].layerIndex === focus ? FOCUS_GAP : LANE_GAP;
    }
    const lane = { ...own, layerIndex, isFocus, top: at };
    at += own.height;
    return lane;
  });
}

type Shape = Pick<ILane, 'height' | 'rows' | 'rowOf'>;

function focusLane({ experts, folded, rowOf }: IRows): Shape {
  const rows = experts.length + (folded > 0 ? 1 : 0);
  return { height: rows * focusRow(rows), rows, rowOf };
}

function contextLane(experts: number): Shape {
  const height = Math.min(MAX_CONTEXT_HEIGHT, experts * CONTEXT_ROW);
  const rows = Math.min(experts, height);
  return {
    height,
    rows,
    rowOf: Int32Array.from({ length: experts }, (_, expert) =>
      Math.floor((expert * rows) / experts)
    )
  };
}
