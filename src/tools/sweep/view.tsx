import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { Panel, PanelLayout, Widget } from '@lumino/widgets';
import type { SweepMode } from 'moe-debugger/protocol';
import { useEffect, useState } from 'react';
import { OWN_KEYS } from '../../routing/own-keys';
import { LayerGrid } from '../layer-grid';
import { OnceAFrame } from '../once-a-frame';
import { PromptForm } from '../prompt-form';
import { RefusalLine } from '../refusal';
import { SweepDetail } from './detail';
import { SweepGridSource } from './grid-source';
import type { SweepModel } from './model';

interface ISweepProps {
  model: SweepModel;
  trans: TranslationBundle;
}

/** Prompts, the grid of effects, and the tokens of the expert that is looked at. */
export class SweepView extends Widget {
  constructor(private _options: ISweepProps) {
    super();
    this.addClass('moe-SweepView');
    const { model, trans } = _options;
    const layout = (this.layout = new PanelLayout());
    const grid = new LayerGrid({
      source: new SweepGridSource(model, trans),
      trans
    });
    const scroll = new Panel();
    scroll.addClass('moe-LayerGrid-scroll');
    scroll.addWidget(grid);
    layout.addWidget(new Form(_options));
    layout.addWidget(scroll);
    layout.addWidget(new SweepDetail(_options));
    this._redraw = new OnceAFrame(() => {
      scroll.setHidden(model.state.sweep === null);
      grid.redraw();
    });
    scroll.setHidden(model.state.sweep === null);
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

class Form extends ReactWidget {
  constructor(private _props: ISweepProps) {
    super();
    this.addClass('moe-SweepForm');
  }

  protected override render(): JSX.Element {
    return (
      <UseSignal signal={this._props.model.changed}>
        {() => <SweepForm {...this._props} />}
      </UseSignal>
    );
  }
}

function SweepForm({ model, trans }: ISweepProps): JSX.Element {
  const { state, isLive } = model;
  const [mode, setMode] = useState<SweepMode>(state.mode);
  useEffect(() => setMode(state.mode), [state.mode]);
  const running = state.running && isLive;
  const { sweep } = state;
  return (
    <>
      <PromptForm
        prompt={state.prompts}
        isLive={isLive}
        running={running}
        isLines
        label={trans.__('Prompts, one a line')}
        placeholder={trans.__('One prompt a line')}
        action={trans.__('Sweep')}
        submit={prompts => model.send({ do: 'sweep', prompts, mode })}
        cancel={() => model.send({ do: 'cancel' })}
        trans={trans}
      >
        <label>
          <span>{trans.__('by')}</span>
          <select
            {...OWN_KEYS}
            aria-label={trans.__('How each expert is ablated')}
            value={mode}
            disabled={!isLive}
            onChange={event =>
              setMode(event.target.value === 'drop' ? 'drop' : 'mask')
            }
          >
            <option value="mask">{trans.__('mask')}</option>
            <option value="drop">{trans.__('drop')}</option>
          </select>
        </label>
      </PromptForm>
      {running && (
        <progress
          aria-label={trans.__('Pairs of prompt and expert measured')}
          value={sweep ? sweep.done : undefined}
          max={sweep?.total || 1}
        />
      )}
      <RefusalLine refusal={state.refusal} />
      {!sweep && (
        <p className="moe-Message">
          {running
            ? trans.__('Measuring…')
            : trans.__(
                'Type prompts and press Sweep: each expert is taken away in turn, and what that changes appears here.'
              )}
        </p>
      )}
    </>
  );
}
