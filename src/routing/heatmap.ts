import {
  CELL_CURSOR,
  CELL_IMAGE,
  CELL_SCALE,
  addCellImage,
  routingHeatmapSpec
} from 'moe-debugger/charts';
import {
  NO_TOKEN_ID,
  layerName,
  type RoutingLayer,
  type Token
} from 'moe-debugger/protocol';
import {
  element,
  takeKeys,
  type ChartView,
  type IChartTheme
} from '../drawing';
import { paintCells, readPalette, type Palette } from './cell-image';
import type { RoutingModel } from './model';
import { PaneChart, type IPaneOptions, type ISize } from './pane-chart';
import { measureName } from './reading';
import { Tooltip } from './tooltip';

/**
 * The token × expert heatmap of one pane. Cells are painted into one image; a change of layer or measure replaces
 * the image; a change of size, theme or tokens replaces the chart.
 */
export class Heatmap extends PaneChart {
  constructor(options: IPaneOptions) {
    const host = element('moe-Heatmap-chart');
    super(options, 'moe-Heatmap', host);
    host.setAttribute('aria-hidden', 'true');
    this._host = host;
    this.node.append(host);
    this._tooltip = new Tooltip(this.node);
    this.node.tabIndex = 0;
    takeKeys(this.node);
    this.node.setAttribute('role', 'application');
    this.node.setAttribute('aria-roledescription', options.trans.__('heatmap'));
    for (const type of EVENTS) {
      this.node.addEventListener(type, this);
    }
    this.describe();
  }

  /** Redraws the cursor only. */
  mark(): void {
    const { view } = this;
    if (view) {
      view.data(CELL_CURSOR, this._cursorRows());
      void view.runAsync();
    }
  }

  override dispose(): void {
    this._tooltip.dispose();
    super.dispose();
  }

  handleEvent(event: Event): void {
    switch (event.type) {
      case 'pointermove':
        this._hover(event as PointerEvent);
        break;
      case 'pointerleave':
        this._leave();
        break;
      case 'pointerdown':
        this._press(event as PointerEvent);
        break;
      case 'focus':
        this._focus();
        break;
      case 'keydown':
        this._key(event as KeyboardEvent);
        break;
    }
  }

  protected override async build(
    { experts }: RoutingLayer,
    size: ISize,
    { scheme, reverse, config, colors }: IChartTheme
  ): Promise<ChartView | undefined> {
    const { model, trans } = this.options;
    const view = await this.chart.show(
      routingHeatmapSpec({
        tokens: this._axis(),
        experts,
        ceiling: model.ceiling,
        ...size,
        scheme,
        reverse,
        titles: {
          token: trans.__('token'),
          expert: trans.__('expert'),
          measure: measureName(model.measure, trans)
        }
      }),
      { ...config, rect: { stroke: colors.cursor } },
      addCellImage
    );
    if (view) {
      const scale = view.scale(CELL_SCALE);
      this._palette = readPalette(share => scale(share * model.ceiling));
    }
    return view;
  }

  protected override async fill(view: ChartView): Promise<void> {
    const { model, pane } = this.options;
    const layer = model.layer(pane);
    const columns = model.columns(pane);
    if (!layer || !this.size || !this._palette || columns === 0) {
      return;
    }
    const scale = window.devicePixelRatio || 1;
    const width = Math.max(1, Math.round(this.size.width * scale));
    const height = Math.max(1, Math.round(this.size.height * scale));
    const canvas = document.createElement('canvas');
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext('2d');
    if (!context) {
      return;
    }
    const image = context.createImageData(width, height);
    paintCells(
      new Uint32Array(image.data.buffer),
      { columns, rows: layer.experts, width, height },
      model.values(pane),
      this._palette,
      model.ceiling
    );
    context.putImageData(image, 0, 0);
    view
      .data(CELL_IMAGE, [{ image: canvas }])
      .data(CELL_CURSOR, this._cursorRows());
    await view.runAsync();
  }

  protected override shape(): string {
    const { model, pane } = this.options;
    const layer = model.layer(pane);
    return [
      model.sampleIndex(pane),
      layer?.stack,
      layer?.experts,
      model.columns(pane),
      model.measure,
      model.ceiling
    ].join('/');
  }

  /** The tokens of the axis; those to come have a position only. */
  private _axis(): readonly Token[] {
    const { model, pane } = this.options;
    const tokens = model.tokens(pane);
    const next = (tokens.at(-1)?.position ?? -1) + 1;
    const room = model.columns(pane) - tokens.length;
    return [
      ...tokens,
      ...Array.from({ length: room }, (_, i) => ({
        position: next + i,
        id: NO_TOKEN_ID
      }))
    ];
  }

  private _cursorRows(): object[] {
    const { cursor } = this.options.model;
    return [
      ...(cursor?.pane === this.options.pane ? [cursor] : []),
      ...(this._hovered ? [this._hovered] : [])
    ].map(({ token, expert }) => ({ token, expert, value: 0 }));
  }

  protected override describe(): void {
    const { model, pane, trans } = this.options;
    const layer = model.layer(pane);
    this.node.setAttribute(
      'aria-label',
      layer
        ? trans.__(
            'Heatmap of %1, %2: %3 tokens by %4 experts, top %5. Use the arrow keys to read cells, Page Up and Page Down to change the layer.',
            layerName(layer),
            measureName(model.measure, trans),
            model.tokens(pane).length,
            layer.experts,
            layer.topK
          )
        : trans.__('This sample has no such layer.')
    );
  }

  private _cellAt(event: MouseEvent): RoutingModel.ICell | null {
    const { model, pane } = this.options;
    const layer = model.layer(pane);
    const canvas = this._host.querySelector('canvas');
    const view = this.chart.view;
    if (!view || !layer || !canvas || !this.size) {
      return null;
    }
    const box = canvas.getBoundingClientRect();
    const [left, top] = view.origin();
    const tokens = model.tokens(pane).length;
    const x = event.clientX - box.left - left;
    const y = event.clientY - box.top - top;
    const token = Math.floor((x / this.size.width) * model.columns(pane));
    const expert = Math.floor((y / this.size.height) * layer.experts);
    return token >= 0 && token < tokens && expert >= 0 && expert < layer.experts
      ? { pane, token, expert }
      : null;
  }

  private _hover(event: PointerEvent): void {
    const cell = this._cellAt(event);
    const reading = cell && this.options.model.read(cell);
    if (!cell || !reading) {
      this._leave();
      return;
    }
    this._tooltip.show(event, reading, this.options.trans);
    if (
      cell.token !== this._hovered?.token ||
      cell.expert !== this._hovered.expert
    ) {
      this._hovered = cell;
      this.mark();
    }
  }

  private _leave(): void {
    this._tooltip.hide();
    if (this._hovered) {
      this._hovered = null;
      this.mark();
    }
  }

  private _press(event: PointerEvent): void {
    const cell = this._cellAt(event);
    if (cell) {
      this.options.model.cursor = cell;
    }
  }

  /** The cursor starts at the first cell with a value. */
  private _focus(): void {
    const { model, pane } = this.options;
    const layer = model.layer(pane);
    if (model.cursor?.pane !== pane && layer && model.tokens(pane).length > 0) {
      model.cursor = {
        pane,
        token: 0,
        expert: Math.max(0, layer.selected[0] ?? 0)
      };
    }
  }

  private _key(event: KeyboardEvent): void {
    const { model, pane } = this.options;
    const layer = model.layer(pane);
    const cursor = model.cursor;
    if (
      !layer ||
      cursor?.pane !== pane ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey
    ) {
      return;
    }
    const last = model.tokens(pane).length - 1;
    const within = (value: number, end: number) =>
      Math.max(0, Math.min(value, end));
    const step = event.shiftKey ? 10 : 1;
    const moved = { ...cursor };
    switch (event.key) {
      case 'ArrowLeft':
        moved.token = within(cursor.token - step, last);
        break;
      case 'ArrowRight':
        moved.token = within(cursor.token + step, last);
        break;
      case 'ArrowUp':
        moved.expert = within(cursor.expert - step, layer.experts - 1);
        break;
      case 'ArrowDown':
        moved.expert = within(cursor.expert + step, layer.experts - 1);
        break;
      case 'Home':
        moved.token = 0;
        break;
      case 'End':
        moved.token = last;
        break;
      case 'PageUp':
        model.layerIndex -= 1;
        break;
      case 'PageDown':
        model.layerIndex += 1;
        break;
      default:
        return;
    }
    event.preventDefault();
    event.stopPropagation();
    if (moved.token !== cursor.token || moved.expert !== cursor.expert) {
      model.cursor = moved;
    }
  }

  private _host: HTMLElement;
  private _hovered: RoutingModel.ICell | null = null;
  private _palette: Palette | undefined;
  private _tooltip: Tooltip;
}

const EVENTS = [
  'pointermove',
  'pointerleave',
  'pointerdown',
  'focus',
  'keydown'
] as const;
