import { layerName } from 'moe-debugger/protocol';
import { Drawing, ReactDrawing, download, element } from '../drawing';
import { Heatmap, HeatmapTools, Viewport, type IHeatmapLook } from './heatmap';
import type { ISizedPaneOptions } from './pane-options';
import { sampleName } from './sample-name';
import { RoutingTable } from './table';
import { TokenStrip } from './token-strip';

/** One sample: its tokens, the heatmap with its tools, and the table. A comparison has two. */
export class RoutingPane extends Drawing {
  constructor(private _options: ISizedPaneOptions) {
    super('moe-RoutingPane');
    const { model, pane, trans, size } = _options;
    this._viewport = new Viewport(model, pane, { isWhole: size === 'small' });
    this._strip = size === 'normal' ? new TokenStrip(_options) : undefined;
    this._tools =
      size === 'small'
        ? undefined
        : new ReactDrawing(
            <HeatmapTools
              viewport={this._viewport}
              save={() => this._save()}
              trans={trans}
            />
          );
    this._heatmap = new Heatmap({
      ..._options,
      viewport: this._viewport
    });
    this._table = new ReactDrawing(
      <RoutingTable {..._options} />,
      'moe-RoutingTable'
    );
    const texts = element('moe-RoutingPane-texts');
    for (const part of [this._strip, this._tools]) {
      if (part) {
        texts.append(part.node);
      }
    }
    this.node.append(
      this._title,
      texts,
      this._empty,
      this._heatmap.node,
      this._table.node
    );
    this._viewport.changed.connect(this._onViewport, this);
    this._show();
  }

  override dispose(): void {
    cancelAnimationFrame(this._frame);
    for (const part of [
      this._strip,
      this._tools,
      this._heatmap,
      this._table,
      this._viewport
    ]) {
      part?.dispose();
    }
    super.dispose();
  }

  /** Draws with another width or other colours. */
  rebuild(width: number, look: IHeatmapLook): void {
    this._show();
    this._strip?.redraw();
    this.node.style.setProperty('--moe-scale', look.gradient);
    this._isBuilding = true;
    this._heatmap.rebuild(width, look);
    this._isBuilding = false;
  }

  /** Draws another layer, measure or sample. */
  redraw(): void {
    this._show();
    this._strip?.redraw();
    this._isBuilding = true;
    this._heatmap.redraw();
    this._isBuilding = false;
  }

  /** Follows the cursor. */
  mark(): void {
    this._strip?.mark();
    this._heatmap.mark();
  }

  private _save(): void {
    const { model, pane } = this._options;
    const layer = model.layer(pane);
    const parts = [
      model.view.model,
      sampleName(model.sample(pane)),
      ...(layer ? [layerName(layer)] : [])
    ].filter(Boolean);
    this._heatmap.still(parts.join(' · '))?.toBlob(blob => {
      if (blob) {
        download(
          `${parts
            .join('-')
            .replace(/[^\p{L}\p{N}-]+/gu, '-')
            .slice(0, 80)}.png`,
          blob
        );
      }
    });
  }

  /** Zooms many times a frame are one drawing. */
  private _onViewport(): void {
    if (this._frame === 0 && !this._isBuilding) {
      this._frame = requestAnimationFrame(() => {
        this._frame = 0;
        this._isBuilding = true;
        this._heatmap.redraw();
        this._isBuilding = false;
      });
    }
  }

  private _show(): void {
    const { model, pane, trans } = this._options;
    const sample = model.sample(pane);
    const hasLayer = model.layer(pane) !== undefined;
    const isTable = model.display === 'table';
    this._title.hidden = model.panes.length === 1;
    this._title.textContent = [
      // Two traces may use the same ids.
      'AB'[pane],
      sampleName(sample)
    ]
      .filter(Boolean)
      .join(' · ');
    const isEmpty = model.tokens(pane).length === 0;
    this._empty.hidden = !isEmpty;
    this._empty.textContent = hasLayer
      ? trans.__('This layer routed no tokens.')
      : trans.__('This sample has no such layer.');
    this._heatmap.node.hidden = isEmpty || isTable;
    this._table.node.hidden = isEmpty || !isTable;
  }

  private _empty = element('moe-Message');
  private _frame = 0;
  private _heatmap: Heatmap;
  /** Whether the heatmap draws: it tells the viewport its width then. */
  private _isBuilding = false;
  private _strip: TokenStrip | undefined;
  private _table: ReactDrawing;
  private _title = element('moe-RoutingPane-title');
  private _tools: ReactDrawing | undefined;
  private _viewport: Viewport;
}
