import type { RoutingModel } from '../model';
import type { Viewport } from './viewport';

interface IKeyTarget {
  model: RoutingModel;
  pane: number;
  viewport: Viewport;
}

const ZOOM = 1.5;
/** Cells of a step with Shift. */
const JUMP = 10;

/**
 * What a key does in a heatmap: arrows move the cursor, Shift with them chooses tokens to zoom to, + and - zoom.
 * @returns whether the key means something here
 */
export function keyAction(event: KeyboardEvent, target: IKeyTarget): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) {
    return false;
  }
  return viewKey(event, target) || cursorKey(event, target);
}

function viewKey({ key }: KeyboardEvent, { viewport }: IKeyTarget): boolean {
  switch (key) {
    case '+':
    case '=':
      viewport.zoom(ZOOM);
      return true;
    case '-':
    case '−':
      viewport.zoom(1 / ZOOM);
      return true;
    case '0':
      viewport.showAll();
      return true;
    case 'Enter':
      viewport.zoomToChosen();
      return true;
    case 'Escape':
      if (!viewport.chosen) {
        return false;
      }
      viewport.chosen = undefined;
      return true;
    default:
      return false;
  }
}

function cursorKey(
  { key, shiftKey }: KeyboardEvent,
  { model, pane, viewport }: IKeyTarget
): boolean {
  const { cursor } = model;
  if (!model.layer(pane) || cursor?.pane !== pane) {
    return false;
  }
  const last = model.tokens(pane).length - 1;
  const { experts } = viewport.rows();
  const row = experts.indexOf(cursor.expert);
  const toToken = (token: number): void => {
    const to = Math.max(0, Math.min(token, last));
    if (shiftKey) {
      viewport.chosen = extended(viewport, cursor.token, to);
    }
    if (to !== cursor.token) {
      model.cursor = { ...cursor, token: to };
    }
  };
  const toRow = (to: number): void => {
    const next = Math.max(0, Math.min(to, experts.length - 1));
    if (to >= experts.length && viewport.rows().folded > 0) {
      viewport.isOpen = true;
    } else if (next !== row) {
      model.cursor = { ...cursor, expert: experts[next] };
    }
  };
  switch (key) {
    case 'ArrowLeft':
      toToken(viewport.character(cursor.token).from - 1);
      return true;
    case 'ArrowRight':
      toToken(viewport.character(cursor.token).to);
      return true;
    case 'ArrowUp':
      toRow(row - (shiftKey ? JUMP : 1));
      return true;
    case 'ArrowDown':
      toRow(row + (shiftKey ? JUMP : 1));
      return true;
    case 'Home':
      toToken(0);
      return true;
    case 'End':
      toToken(last);
      return true;
    case 'PageUp':
      model.layerIndex -= 1;
      return true;
    case 'PageDown':
      model.layerIndex += 1;
      return true;
    default:
      return false;
  }
}

/** Grows or shrinks the chosen tokens at the end where the cursor is. */
function extended(
  { chosen }: Viewport,
  at: number,
  to: number
): { from: number; to: number } {
  const anchor = !chosen
    ? at
    : at === chosen.from
      ? chosen.to - 1
      : chosen.from;
  return { from: Math.min(anchor, to), to: Math.max(anchor, to) + 1 };
}
