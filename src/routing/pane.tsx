import { Drawing, ReactDrawing, element, type IChartTheme } from '../drawing';
import { Heatmap } from './heatmap';
import { LoadBars } from './load-bars';
import type { IPaneOptions } from './pane-chart';
import { sampleName } from './sample-name';
import { RoutingTable } from './table';
import { TokenStrip } from './token-strip';

/** Space of the heatmap's axis, of the bars' margin and of their gap, in pixels. */
const AXIS_WIDTH = 46;
const BAR_MARGIN = 22;
const LEAST_HEIGHT = 72;
const MAX_HEIGHT = 360;

/** One sample: its tokens, the heatmap with the load bars beside it, and the table. A comparison has two. */
export class RoutingPane extends Drawing {
  constructor(private _options: IPaneOptions) {
    super('moe-RoutingPane');
    this._strip = new TokenStrip(_options);
    this._heatmap = new Heatmap(_options);
    this._bars = new LoadBars(_options);
    this._table = new ReactDrawing(
      <RoutingTable {..._options} />,
      'moe-RoutingTable'
    );
    this._charts.append(this._heatmap.node, this._bars.node);
    this.node.append(
      this._title,
      this._strip.node,
      this._empty,
      this._charts,
      this._table.node
    );
    this._show();
  }

  override dispose(): void {
    for (const drawing of [
      this._strip,
      this._heatmap,
      this._bars,
      this._table
    ]) {
      drawing.dispose();
    }
    super.dispose();
  }

  /** Resolves when the charts show the model's state. */
  get drawn(): Promise<unknown> {
    return Promise.all([this._heatmap.drawn, this._bars.drawn]);
  }

  /** Draws the charts with another width or other colours. */
  rebuild(width: number, theme: IChartTheme): void {
    const { model, pane } = this._options;
    this._show();
    const experts = model.layer(pane)?.experts;
    if (!experts || model.display === 'table') {
      return;
    }
    const bars = Math.round(Math.min(120, Math.max(36, width * 0.16)));
    const height = Math.round(
      Math.min(MAX_HEIGHT, Math.max(LEAST_HEIGHT, experts * 18))
    );
    this._heatmap.rebuild(
      {
        width: Math.max(40, Math.floor(width - bars - AXIS_WIDTH - BAR_MARGIN)),
        height
      },
      theme
    );
    this._bars.rebuild({ width: bars, height }, theme);
  }

  /** Draws another layer, measure or sample in the existing charts. */
  redraw(): void {
    this._show();
    this._strip.redraw();
    this._heatmap.redraw();
    this._bars.redraw();
  }

  /** Follows the cursor. */
  mark(): void {
    this._strip.mark();
    this._heatmap.mark();
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
    this._charts.hidden = isEmpty || isTable;
    this._table.node.hidden = isEmpty || !isTable;
  }

  private _bars: LoadBars;
  private _charts = element('moe-RoutingPane-charts');
  private _empty = element('moe-Message');
  private _heatmap: Heatmap;
  private _strip: TokenStrip;
  private _table: ReactDrawing;
  private _title = element('moe-RoutingPane-title');
}
