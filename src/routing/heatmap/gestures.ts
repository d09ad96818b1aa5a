import type { IDisposable } from '@lumino/disposable';
import type { ILayout } from './layout';
import { windowBox } from './overlay';
import type { IRange } from './range';
import type { Viewport } from './viewport';

export interface IPoint {
  x: number;
  y: number;
}

/** What gestures act on. */
export interface IGestureTarget {
  readonly layout: ILayout | undefined;
  readonly viewport: Viewport;
  /** The column at a place, with the part of it. */
  columnAt(x: number): number;
  pointAt(point: IPoint, event: PointerEvent): void;
  leave(): void;
  press(point: IPoint): void;
  /** Draws the marks anew. */
  mark(): void;
}

/** A pointer that moves less, in pixels, clicks. */
const CLICK = 4;
/** Of a step of a wheel, in pixels, for each factor of e. */
const WHEEL = 400;
/** Pixels of a line, for wheels that count lines. */
const LINE = 16;
const HANDLE = 7;

/** What a drag does, by where it began. */
type Drag =
  | { kind: 'choose'; from: IPoint; moved: boolean }
  | { kind: 'window' | 'from' | 'to'; x: number; range: IRange };

/**
 * Pointer and wheel on a heatmap. A drag over cells zooms to them, a drag of the part in view on the strip moves it; two
 * fingers zoom. The wheel scrolls the page until the heatmap has the focus; with Ctrl it always zooms.
 */
export class Gestures implements IDisposable {
  constructor(
    private _node: HTMLElement,
    private _target: IGestureTarget
  ) {
    for (const type of EVENTS) {
      _node.addEventListener(type, this);
    }
    _node.addEventListener('wheel', this, { passive: false });
  }

  /** The columns of a drag that goes on. */
  get drawn(): IRange | undefined {
    return this._drawn;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    for (const type of [...EVENTS, 'wheel']) {
      this._node.removeEventListener(type, this);
    }
  }

  handleEvent(event: Event): void {
    switch (event.type) {
      case 'wheel':
        this._wheel(event as WheelEvent);
        break;
      case 'pointerdown':
        this._down(event as PointerEvent);
        break;
      case 'pointermove':
        this._move(event as PointerEvent);
        break;
      case 'pointerup':
        this._up(event as PointerEvent);
        break;
      case 'pointercancel':
        this._end(event as PointerEvent);
        break;
      case 'pointerleave':
        this._target.leave();
        break;
      case 'dblclick':
        this._target.viewport.showAll();
        break;
    }
  }

  private _wheel(event: WheelEvent): void {
    const { viewport } = this._target;
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE : 1;
    const isSideways =
      event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
    const hasFocus = this._node === document.activeElement;
    if (!(event.ctrlKey || event.metaKey || hasFocus)) {
      return;
    }
    event.preventDefault();
    const delta = (event.deltaY || event.deltaX) * unit;
    if (isSideways) {
      viewport.pan(
        ((event.deltaX || event.deltaY) * unit) / viewport.columnWidth
      );
    } else {
      viewport.zoom(
        Math.exp(-delta / WHEEL),
        this._target.columnAt(this._point(event).x)
      );
    }
  }

  private _down(event: PointerEvent): void {
    const point = this._point(event);
    this._pointers.set(event.pointerId, point);
    if (event.button !== 0) {
      return;
    }
    // Keys and the wheel act on what was touched last.
    this._node.focus({ preventScroll: true });
    this._drag = this._beginning(point);
    if (this._drag) {
      this._node.setPointerCapture?.(event.pointerId);
    }
  }

  private _beginning(point: IPoint): Drag | undefined {
    const { layout, viewport } = this._target;
    if (
      !layout ||
      point.x < layout.left - HANDLE ||
      point.x > layout.right + HANDLE
    ) {
      return undefined;
    }
    const { strip } = layout;
    if (strip && point.y < strip.top + strip.height + HANDLE) {
      const box = windowBox(layout, viewport)!;
      const kind =
        Math.abs(point.x - box.left) < HANDLE
          ? 'from'
          : Math.abs(point.x - box.left - box.width) < HANDLE
            ? 'to'
            : 'window';
      if (
        kind === 'window' &&
        (point.x < box.left || point.x > box.left + box.width)
      ) {
        const at = this._columnOfStrip(point.x);
        viewport.reveal({ from: at, to: at }, { isCentred: true });
      }
      return { kind, x: point.x, range: viewport.range };
    }
    return { kind: 'choose', from: point, moved: false };
  }

  private _move(event: PointerEvent): void {
    const point = this._point(event);
    const before = this._pointers.get(event.pointerId);
    if (before && this._pointers.size === 2) {
      this._pinch(event.pointerId, before, point);
      return;
    }
    if (before) {
      this._pointers.set(event.pointerId, point);
    }
    const drag = this._drag;
    if (!drag) {
      this._target.pointAt(point, event);
    } else if (drag.kind === 'choose') {
      drag.moved ||= Math.abs(point.x - drag.from.x) > CLICK;
      if (drag.moved) {
        this._target.leave();
        this._drawn = this._columns(drag.from.x, point.x);
        this._target.mark();
      } else {
        this._target.pointAt(point, event);
      }
    } else {
      this._dragWindow(drag, point.x);
    }
  }

  private _dragWindow(
    { kind, x, range }: Exclude<Drag, { kind: 'choose' }>,
    to: number
  ): void {
    const { viewport } = this._target;
    const by = this._columnOfStrip(to) - this._columnOfStrip(x);
    viewport.range = {
      from: kind === 'to' ? range.from : range.from + by,
      to: kind === 'from' ? range.to : range.to + by
    };
  }

  private _up(event: PointerEvent): void {
    const drag = this._drag;
    const point = this._point(event);
    const chosen = this._drawn;
    this._end(event);
    if (drag?.kind === 'choose') {
      if (drag.moved && chosen) {
        this._target.viewport.range = chosen;
      } else if (!drag.moved) {
        this._target.press(point);
      }
    }
  }

  private _end(event: PointerEvent): void {
    this._pointers.delete(event.pointerId);
    this._drag = undefined;
    this._drawn = undefined;
    this._target.mark();
  }

  /** Two fingers: the columns under them stay under them. */
  private _pinch(id: number, before: IPoint, now: IPoint): void {
    const other = [...this._pointers].find(([own]) => own !== id)?.[1];
    this._pointers.set(id, now);
    this._drag = undefined;
    this._drawn = undefined;
    if (other) {
      const factor =
        Math.max(8, Math.abs(now.x - other.x)) /
        Math.max(8, Math.abs(before.x - other.x));
      this._target.viewport.zoom(factor, this._target.columnAt(other.x));
    }
  }

  private _columns(a: number, b: number): IRange {
    const from = this._target.columnAt(Math.min(a, b));
    const to = this._target.columnAt(Math.max(a, b));
    return { from: Math.floor(from), to: Math.ceil(to) };
  }

  private _columnOfStrip(x: number): number {
    const { layout, viewport } = this._target;
    return layout
      ? ((x - layout.left) / (layout.right - layout.left)) * viewport.columns
      : 0;
  }

  private _point(event: MouseEvent): IPoint {
    const box = this._node.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  private _drag: Drag | undefined;
  private _drawn: IRange | undefined;
  private _isDisposed = false;
  private _pointers = new Map<number, IPoint>();
}

const EVENTS = [
  'pointerdown',
  'pointermove',
  'pointerup',
  'pointercancel',
  'pointerleave',
  'dblclick'
] as const;
