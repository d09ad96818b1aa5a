import { element } from '../../drawing';
import type { RoutingModel } from '../model';
import type { ILayout } from './layout';
import type { IRange } from './range';
import type { Viewport } from './viewport';

/** What lies above the picture: boxes that move without drawing it anew. */
export class Overlay {
  constructor(host: HTMLElement) {
    for (const box of [
      this._token,
      this._cell,
      this._hovered,
      this._chosen,
      this._window
    ]) {
      box.setAttribute('aria-hidden', 'true');
      box.hidden = true;
      host.append(box);
    }
    for (const side of ['from', 'to']) {
      this._window.append(element(`moe-Heatmap-handle moe-mod-${side}`));
    }
  }

  show(layout: ILayout, viewport: Viewport, shown: IShown): void {
    const { cursor, hovered, chosen } = shown;
    const lanes = layout.lanes;
    const focus = lanes.find(({ isFocus }) => isFocus);
    const last = lanes.at(-1);
    const { experts } = viewport.rows();
    const columns = ({ from, to }: IRange): IBox | undefined =>
      columnsBox(layout, viewport, from, to);
    const cell = (of: RoutingModel.ICell | undefined): IBox | undefined => {
      const row = of ? experts.indexOf(of.expert) : -1;
      const box = of && columns({ from: of.token, to: of.token + 1 });
      if (!box || !focus || row < 0) {
        return undefined;
      }
      const height = focus.height / focus.rows;
      return { ...box, top: focus.top + row * height, height };
    };
    const through = (range: IRange | undefined): IBox | undefined => {
      const box = range && columns(range);
      return box && last && lanes.length > 0
        ? {
            ...box,
            top: lanes[0].top - 2,
            height: last.top + last.height - lanes[0].top + 4
          }
        : undefined;
    };
    place(this._token, cursor && through(viewport.character(cursor.token)));
    place(this._cell, cell(cursor));
    place(this._hovered, cell(hovered));
    place(this._chosen, through(chosen));
    place(this._window, windowBox(layout, viewport));
  }

  private _cell = element('moe-Heatmap-cursor');
  private _chosen = element('moe-Heatmap-chosen');
  private _hovered = element('moe-Heatmap-hovered');
  private _token = element('moe-Heatmap-token');
  private _window = element('moe-Heatmap-window');
}

interface IShown {
  cursor: RoutingModel.ICell | undefined;
  hovered: RoutingModel.ICell | undefined;
  /** Tokens to zoom to. */
  chosen: IRange | undefined;
}

interface IBox {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Narrower boxes cannot be seen, in pixels. */
const MIN_WIDTH = 3;

function columnsBox(
  { left, right }: ILayout,
  { range, columnWidth }: Viewport,
  from: number,
  to: number
): IBox | undefined {
  const start = Math.max(left, left + (from - range.from) * columnWidth);
  const end = Math.min(right, left + (to - range.from) * columnWidth);
  return end > start
    ? {
        left: start,
        width: Math.max(MIN_WIDTH, end - start),
        top: 0,
        height: 0
      }
    : undefined;
}

/** Of the part in view, on the strip. */
export function windowBox(
  { strip, left, right }: ILayout,
  { range, columns }: Viewport
): IBox | undefined {
  const scale = (right - left) / columns;
  return (
    strip && {
      left: left + range.from * scale,
      width: Math.max(MIN_WIDTH, (range.to - range.from) * scale),
      top: strip.top - 2,
      height: strip.height + 4
    }
  );
}

function place(node: HTMLElement, box: IBox | undefined): void {
  node.hidden = box === undefined;
  if (box) {
    node.style.transform = `translate(${box.left}px, ${box.top}px)`;
    node.style.width = `${box.width}px`;
    node.style.height = `${box.height}px`;
  }
}
