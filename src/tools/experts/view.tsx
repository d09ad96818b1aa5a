import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { Panel, PanelLayout, Widget } from '@lumino/widgets';
import { PromptForm } from '../prompt-form';
import { SideBySide } from '../side-by-side';
import { ExpertControls } from './controls';
import { ExpertGrid } from './grid';
import { ExpertLine } from './line';
import type { ExpertsModel } from './model';

/** Prompt, grid and both texts. */
export class ExpertsView extends Widget {
  constructor(private _options: ExpertsView.IOptions) {
    super();
    this.addClass('moe-ExpertsView');
    const { model, trans } = _options;
    const layout = (this.layout = new PanelLayout());
    this._grid = new ExpertGrid({ model, trans });
    const scroll = new Panel();
    scroll.addClass('moe-ExpertsView-scroll');
    scroll.addWidget(this._grid);
    layout.addWidget(new Prompt(_options));
    layout.addWidget(new ExpertControls({ model, trans }));
    layout.addWidget(scroll);
    layout.addWidget(new ExpertLine({ model, trans }));
    layout.addWidget(new Texts(_options));
    model.changed.connect(this._schedule, this);
  }

  override dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this._options.model.changed.disconnect(this._schedule, this);
    cancelAnimationFrame(this._frame);
    super.dispose();
  }

  /** One update a frame, however many tokens come in between. */
  private _schedule(): void {
    if (this._frame === 0) {
      this._frame = requestAnimationFrame(() => {
        this._frame = 0;
        this._grid.redraw();
      });
    }
  }

  private _frame = 0;
  private _grid: ExpertGrid;
}

export namespace ExpertsView {
  export interface IOptions {
    model: ExpertsModel;
    trans: TranslationBundle;
  }
}

class Prompt extends ReactWidget {
  constructor(private _options: ExpertsView.IOptions) {
    super();
  }

  protected override render(): JSX.Element {
    const { model, trans } = this._options;
    return (
      <UseSignal signal={model.changed}>
        {() => (
          <PromptForm
            prompt={model.state.prompt}
            maxNewTokens={model.state.maxNewTokens}
            isLive={model.isLive}
            running={model.state.running && model.isLive}
            generate={(prompt, maxNewTokens) =>
              model.send({ do: 'generate', prompt, maxNewTokens })
            }
            cancel={() => model.send({ do: 'cancel' })}
            trans={trans}
          />
        )}
      </UseSignal>
    );
  }
}

class Texts extends ReactWidget {
  constructor(private _options: ExpertsView.IOptions) {
    super();
  }

  protected override render(): JSX.Element {
    const { model, trans } = this._options;
    return (
      <UseSignal signal={model.changed}>
        {() => {
          const { original, edited, edits, topK, prompt } = model.state;
          const count = edits.length + topK.filter(k => k !== null).length;
          return (
            <SideBySide
              original={original}
              edited={edited}
              title={
                count === 0
                  ? trans.__('Edited')
                  : trans._n('Edited · %1 edit', 'Edited · %1 edits', count)
              }
              empty={{
                original: trans.__(
                  'Type a prompt above and press Generate: what the model writes appears here.'
                ),
                edited:
                  count === 0
                    ? trans.__(
                        'Choose an expert in the grid: what the model writes without it appears here.'
                      )
                    : prompt === ''
                      ? trans.__('The edits wait for a prompt.')
                      : trans.__('Waits for the original.')
              }}
              trans={trans}
            />
          );
        }}
      </UseSignal>
    );
  }
}
