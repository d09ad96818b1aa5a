import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { layerName } from 'moe-debugger/protocol';
import { OWN_KEYS } from '../../routing/own-keys';
import { editText } from './kinds';
import type { ExpertsModel } from './model';

interface ILineProps {
  model: ExpertsModel;
  trans: TranslationBundle;
}

/** Under the grid: the scale of its colours, and what is known of the expert at the cursor, or what to do next. */
export class ExpertLine extends ReactWidget {
  constructor(private _props: ILineProps) {
    super();
    this.addClass('moe-ExpertLine');
  }

  protected override render(): JSX.Element {
    return (
      <UseSignal signal={this._props.model.changed}>
        {() => (
          <>
            <Line {...this._props} />
            <Scale {...this._props} />
          </>
        )}
      </UseSignal>
    );
  }
}

function Line({ model, trans }: ILineProps): JSX.Element {
  const { refusal, rows } = model.state;
  if (refusal && refusal.row === null) {
    return (
      <span className="moe-Refusal" role="alert">
        {refusal.text}
      </span>
    );
  }
  const { swapping, cursor } = model;
  if (swapping) {
    return (
      <span role="status">
        {trans.__(
          'Choose the expert of %1 that runs in place of expert %2; Escape to stop.',
          layerName(rows[swapping.row]),
          swapping.expert
        )}
      </span>
    );
  }
  const rate = model.rates(cursor.row)?.[cursor.expert];
  const edit = model.editAt(cursor);
  return (
    <span>
      {[
        trans.__('%1, expert %2', layerName(rows[cursor.row]), cursor.expert),
        rate === undefined
          ? trans.__('no token rate yet')
          : trans.__('token rate %1', rate.toFixed(3)),
        ...(edit ? [editText(edit, trans)] : [])
      ].join(' · ')}
    </span>
  );
}

function Scale({ model, trans }: ILineProps): JSX.Element | null {
  const { ceiling } = model;
  if (ceiling === 0) {
    return null;
  }
  return (
    <span className="moe-ExpertLine-scale">
      <label>
        <span className="moe-ExpertLine-unit">{trans.__('token rate')}</span>
        <select
          {...OWN_KEYS}
          aria-label={trans.__('Run whose token rates colour the grid')}
          value={model.side}
          disabled={!model.state.edited?.rates}
          onChange={event => {
            model.side =
              event.target.value === 'edited' ? 'edited' : 'original';
          }}
        >
          <option value="original">{trans.__('original')}</option>
          <option value="edited">{trans.__('edited')}</option>
        </select>
      </label>
      <span>0</span>
      <span className="moe-ExpertLine-ramp" />
      <span>{ceiling.toFixed(2)}</span>
    </span>
  );
}
