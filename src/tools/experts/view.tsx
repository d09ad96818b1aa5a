import type { TranslationBundle } from '@jupyterlab/translation';
import { Panel, PanelLayout, Widget } from '@lumino/widgets';
import { EditedTexts, GenerateForm } from '../edited-text';
import { LayerGrid } from '../layer-grid';
import { OnceAFrame } from '../once-a-frame';
import { ExpertControls } from './controls';
import { ExpertGridSource } from './grid-source';
import { ExpertLine } from './line';
import type { ExpertsModel } from './model';

/** Prompt, grid and both texts. */
export class ExpertsView extends Widget {
  constructor(private _options: ExpertsView.IOptions) {
    super();
    this.addClass('moe-ExpertsView');
    const { model, trans } = _options;
    const layout = (this.layout = new PanelLayout());
    const grid = new LayerGrid({
      source: new ExpertGridSource(model, trans),
      trans
    });
    const scroll = new Panel();
    scroll.addClass('moe-LayerGrid-scroll');
    scroll.addWidget(grid);
    layout.addWidget(new GenerateForm({ model, trans }));
    layout.addWidget(new ExpertControls({ model, trans }));
    layout.addWidget(scroll);
    layout.addWidget(new ExpertLine({ model, trans }));
    layout.addWidget(
      new EditedTexts({
        model,
        trans,
        edits: () =>
          model.state.edits.length +
          model.state.topK.filter(k => k !== null).length,
        title: count =>
          count === 0
            ? trans.__('Edited')
            : trans._n('Edited · %1 edit', 'Edited · %1 edits', count),
        advice: trans.__(
          'Choose an expert in the grid: what the model writes without it appears here.'
        )
      })
    );
    this._redraw = new OnceAFrame(() => grid.redraw());
    model.changed.connect(this._redraw.ask, this._redraw);
  }

  override dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this._options.model.changed.disconnect(this._redraw.ask, this._redraw);
    this._redraw.dispose();
    super.dispose();
  }

  private _redraw: OnceAFrame;
}

export namespace ExpertsView {
  export interface IOptions {
    model: ExpertsModel;
    trans: TranslationBundle;
  }
}
