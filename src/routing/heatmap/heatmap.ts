import { layerName, type RoutingLayer } from 'moe-debugger/protocol';
import { Drawing, takeKeys } from '../../drawing';
import type { RoutingModel } from '../model';
import type { ISizedPaneOptions } from '../pane-options';
import { measureName } from '../reading';
import { Tooltip } from '../tooltip';
import type { IHeatmapLook } from './colors';
import { Gestures, type IPoint } from './gestures';
import { keyAction } from './keys';
import type { ILane } from './lanes';
import { labelKind, layOut, type ILayout } from './layout';
import { Overlay } from './overlay';
import { HeatmapPicture } from './picture';
import { stillOf } from './still';
import type { Viewport } from './viewport';

/** The heatmap of one pane. The picture is one canvas; the cursor and what is pointed at lie above it. */
export class Heatmap extends Drawing {
  constructor(private _options: Heatmap.IOptions) {
    super('moe-Heatmap');
    this._canvas.setAttribute('aria-hidden', 'true');
    this.node.append(this._canvas);
    this._overlay = new Overlay(this.node);
    this._tooltip = new Tooltip(this.node);
    this._gestures = new Gestures(this.node, this);
    this.node.tabIndex = 0;
    takeKeys(this.node);
    this.node.setAttribute('role', 'application');
    this.node.setAttribute(
      'aria-roledescription',
      _options.trans.__('heatmap')
    );
    this.node.addEventListener('focus', this);
    this.node.addEventListener('keydown', this);
    this._describe();
  }

  override dispose(): void {
    this._gestures.dispose();
    this._tooltip.dispose();
    super.dispose();
  }

  /** Draws with another width or other colours. */
  rebuild(width: number, look: IHeatmapLook): void {
    this._width = width;
    this._look = look;
    this.redraw();
  }

  /** Draws the model's and the viewport's state. */
  redraw(): void {
    const { model, pane, viewport, trans } = this._options;
    this._describe();
    const layer = model.layer(pane);
    if (!layer || !this._look || this._width === 0) {
      return;
    }
    const context = this._canvas.getContext('2d');
    if (!context) {
      return;
    }
    // The width of the cells does not depend on what is in view; what stands above them depends on both.
    let layout = this._layOut(false);
    viewport.width = layout.right - layout.left;
    layout = this._layOut(
      viewport.columnWidth < STRIP_BELOW || !viewport.isWhole
    );
    this._layout = layout;
    const scale = window.devicePixelRatio || 1;
    this._resize(layout, scale);
    new HeatmapPicture(context, viewport, layout, this._look, trans).draw();
    this.mark();
  }

  /**
   * The picture with a title above and the legend below, for a file.
   * @returns undefined where nothing is drawn yet
   */
  still(title: string): HTMLCanvasElement | undefined {
    const { _layout: layout, _look: look } = this;
    const { model, viewport, trans } = this._options;
    return layout && look
      ? stillOf(this._canvas, layout, look, viewport, {
          title,
          measure: measureName(model.measure, trans)
        })
      : undefined;
  }

  /** A canvas of the same size is kept: a new one costs more than what is drawn. */
  private _resize({ width, height }: ILayout, scale: number): void {
    const canvas = this._canvas;
    const wanted = [width, height].map(length =>
      Math.max(1, Math.round(length * scale))
    );
    if (canvas.width !== wanted[0] || canvas.height !== wanted[1]) {
      [canvas.width, canvas.height] = wanted;
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
  }

  /** Redraws the cursor only. */
  mark(): void {
    const { _layout: layout } = this;
    const { model, pane, viewport } = this._options;
    const { cursor } = model;
    if (layout) {
      this._overlay.show(layout, viewport, {
        cursor: cursor?.pane === pane ? cursor : undefined,
        hovered: this._hovered,
        chosen: this._gestures.drawn ?? viewport.chosen
      });
    }
  }

  handleEvent(event: Event): void {
    if (event.type === 'focus') {
      this._focus();
    } else {
      this._key(event as KeyboardEvent);
    }
  }

  get layout(): ILayout | undefined {
    return this._layout;
  }

  get viewport(): Viewport {
    return this._options.viewport;
  }

  /** The column at a place, and the lane with its row; undefined outside. */
  placeAt({
    x,
    y
  }: IPoint): { column: number; lane: ILane; row: number } | undefined {
    const layout = this._layout;
    if (!layout || x < layout.left || x >= layout.right) {
      return undefined;
    }
    const lane = layout.lanes.find(
      ({ top, height }) => y >= top && y < top + height
    );
    return (
      lane && {
        column: this.columnAt(x),
        lane,
        row: Math.floor(((y - lane.top) / lane.height) * lane.rows)
      }
    );
  }

  /** The column at a place, with the part of it. */
  columnAt(x: number): number {
    const { viewport } = this._options;
    const { from } = viewport.range;
    return from + (x - (this._layout?.left ?? 0)) / viewport.columnWidth;
  }

  pointAt(point: IPoint, event: PointerEvent): void {
    const { model, trans } = this._options;
    const cell = this._cellAt(point);
    const reading = cell && model.read(cell);
    if (!cell || !reading) {
      this.leave();
      return;
    }
    this._tooltip.show(event, reading, trans);
    if (
      cell.token !== this._hovered?.token ||
      cell.expert !== this._hovered.expert
    ) {
      this._hovered = cell;
      this.mark();
    }
  }

  leave(): void {
    this._tooltip.hide();
    if (this._hovered) {
      this._hovered = undefined;
      this.mark();
    }
  }

  /** A click on a cell selects it, on a layer around makes it the one in focus, on the folded experts shows them. */
  press(point: IPoint): void {
    const { model, pane, viewport } = this._options;
    const place = this.placeAt(point);
    if (!place) {
      return;
    }
    const cell = this._cellAt(point);
    if (cell) {
      model.cursor = cell;
    } else if (!place.lane.isFocus) {
      const token = Math.floor(place.column);
      model.layerIndex = place.lane.layerIndex;
      const layer = model.layer(pane);
      if (layer && token < model.tokens(pane).length) {
        model.cursor = { pane, token, expert: firstChoice(layer, token) };
      }
    } else if (place.row >= viewport.rows().experts.length) {
      viewport.isOpen = true;
    }
  }

  private _layOut(hasStrip: boolean): ILayout {
    const { model, pane, viewport, size } = this._options;
    return layOut({
      width: this._width,
      layers: model.sample(pane).layers,
      focus: model.layerIndex,
      rows: viewport.rows(),
      size,
      hasStrip,
      labels: labelKind(viewport.columnWidth)
    });
  }

  private _cellAt(point: IPoint): RoutingModel.ICell | undefined {
    const { model, pane, viewport } = this._options;
    const place = this.placeAt(point);
    const token = Math.floor(place?.column ?? -1);
    const expert =
      place?.lane.isFocus === true
        ? viewport.rows().experts[place.row]
        : undefined;
    return expert !== undefined &&
      token >= 0 &&
      token < model.tokens(pane).length
      ? { pane, token, expert }
      : undefined;
  }

  /** The cursor starts at the first cell with a value that is in view. */
  private _focus(): void {
    const { model, pane, viewport } = this._options;
    const layer = model.layer(pane);
    const tokens = model.tokens(pane).length;
    if (model.cursor?.pane !== pane && layer && tokens > 0) {
      const token = Math.min(tokens - 1, Math.ceil(viewport.range.from));
      model.cursor = { pane, token, expert: firstChoice(layer, token) };
    }
  }

  private _key(event: KeyboardEvent): void {
    if (keyAction(event, this._options)) {
      event.preventDefault();
      event.stopPropagation();
    }
  }

  private _describe(): void {
    const { model, pane, trans, viewport } = this._options;
    const layer = model.layer(pane);
    this.node.setAttribute(
      'aria-label',
      layer
        ? trans.__(
            'Heatmap of %1, %2: %3 tokens by %4 experts, top %5. Use the arrow keys to read cells, Page Up and Page Down to change the layer, plus and minus to zoom.',
            layerName(layer),
            measureName(model.measure, trans),
            model.tokens(pane).length,
            layer.experts,
            layer.topK
          )
        : trans.__('This sample has no such layer.')
    );
    if (layer) {
      const loads = viewport.wholeLoads;
      const most = loads.indexOf(Math.max(...loads));
      this.node.setAttribute(
        'aria-description',
        trans.__(
          'Most used: expert %1 with %2 selections. Never selected here: %3 experts.',
          most,
          loads[most],
          loads.filter(load => load === 0).length
        )
      );
    }
  }

  private _canvas = document.createElement('canvas');
  private _gestures: Gestures;
  private _hovered: RoutingModel.ICell | undefined;
  private _layout: ILayout | undefined;
  private _look: IHeatmapLook | undefined;
  private _overlay: Overlay;
  private _tooltip: Tooltip;
  private _width = 0;
}

export namespace Heatmap {
  export interface IOptions extends ISizedPaneOptions {
    viewport: Viewport;
  }
}

/** Where columns are narrower, in pixels, the whole sample stands above what is in view. */
const STRIP_BELOW = 4;

function firstChoice({ selected, topK }: RoutingLayer, token: number): number {
  return Math.max(0, selected[token * topK] ?? 0);
}
