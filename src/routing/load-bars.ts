import { EXPERT_LOAD, expertLoad, expertLoadSpec } from 'moe-debugger/charts';
import type { RoutingLayer } from 'moe-debugger/protocol';
import type { ChartView, IChartTheme } from '../drawing';
import { PaneChart, type IPaneOptions, type ISize } from './pane-chart';

/** Token rate of each expert, with bars aligned to the heatmap's rows. */
export class LoadBars extends PaneChart {
  constructor(options: IPaneOptions) {
    super(options, 'moe-LoadBars');
    this.node.setAttribute('role', 'img');
  }

  protected override build(
    { experts, topK }: RoutingLayer,
    size: ISize,
    { colors, config }: IChartTheme
  ): Promise<ChartView | undefined> {
    const { model, trans } = this.options;
    return this.chart.show(
      expertLoadSpec({
        experts,
        topK,
        ceiling: model.tokenRateCeiling,
        ...size,
        colors,
        title: trans.__('token rate'),
        withoutLabels: true
      }),
      config
    );
  }

  protected override async fill(view: ChartView): Promise<void> {
    const { model, pane } = this.options;
    const layer = model.layer(pane);
    if (layer) {
      view.data(EXPERT_LOAD, expertLoad(layer));
      await view.runAsync();
    }
  }

  protected override shape(): string {
    const { model, pane } = this.options;
    const layer = model.layer(pane);
    return [layer?.experts, layer?.topK, model.tokenRateCeiling].join('/');
  }

  protected override describe(): void {
    const { model, pane, trans } = this.options;
    const layer = model.layer(pane);
    if (!layer) {
      return;
    }
    const rows = expertLoad(layer);
    const most = rows.reduce((a, b) => (b.selections > a.selections ? b : a));
    const unused = rows.filter(row => row.selections === 0).length;
    this.node.setAttribute(
      'aria-label',
      trans.__(
        'Token rate of %1 experts, the share of tokens that select each. Most used: expert %2 with %3 selections. Never selected here: %4 experts. The dashed line is the uniform rate %5/%1.',
        layer.experts,
        most.expert,
        most.selections,
        unused,
        layer.topK
      )
    );
  }
}
