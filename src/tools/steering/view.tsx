import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { PanelLayout, Widget } from '@lumino/widgets';
import { MOST_STEERING, layerName } from 'moe-debugger/protocol';
import { useEffect, useState } from 'react';
import { OWN_KEYS } from '../../routing/own-keys';
import { EditedTexts, GenerateForm } from '../edited-text';
import { RefusalLine } from '../refusal';
import { Slider } from '../slider';
import type { SteeringModel } from './model';

interface ISteeringProps {
  model: SteeringModel;
  trans: TranslationBundle;
}

/** Prompt, contrast, sliders and both texts. */
export class SteeringView extends Widget {
  constructor(props: ISteeringProps) {
    super();
    const { model, trans } = props;
    this.addClass('moe-SteeringView');
    const layout = (this.layout = new PanelLayout());
    layout.addWidget(new GenerateForm({ model, trans }));
    layout.addWidget(new Controls(props));
    layout.addWidget(
      new EditedTexts({
        model,
        trans,
        edits: () => model.state.rows.filter(({ scale }) => scale !== 0).length,
        title: count =>
          count === 0
            ? trans.__('Steered')
            : trans._n('Steered · %1 layer', 'Steered · %1 layers', count),
        advice: trans.__(
          'Move a slider: what the model writes when it is steered appears here.'
        )
      })
    );
  }
}

class Controls extends ReactWidget {
  constructor(private _props: ISteeringProps) {
    super();
    this.addClass('moe-SteeringControls');
  }

  protected override render(): JSX.Element {
    const { model } = this._props;
    return (
      <UseSignal signal={model.changed}>
        {() => (
          <>
            <Contrast {...this._props} />
            <RefusalLine refusal={model.state.refusal} />
            <Scales {...this._props} />
          </>
        )}
      </UseSignal>
    );
  }
}

/** Prompts to make vectors from: open while there are none. */
function Contrast({ model, trans }: ISteeringProps): JSX.Element {
  const { contrast, rows } = model.state;
  const [positive, setPositive] = useState(contrast?.positive ?? '');
  const [negative, setNegative] = useState(contrast?.negative ?? '');
  useEffect(() => {
    if (contrast) {
      setPositive(contrast.positive);
      setNegative(contrast.negative);
    }
  }, [contrast?.positive, contrast?.negative]);
  const isReady =
    model.isLive && positive.trim() !== '' && negative.trim() !== '';
  const box = (
    label: string,
    value: string,
    set: (value: string) => void
  ): JSX.Element => (
    <label className="moe-Contrast-side">
      <span>{label}</span>
      <textarea
        {...OWN_KEYS}
        rows={2}
        value={value}
        readOnly={!model.isLive}
        placeholder={trans.__('One prompt a line')}
        onChange={event => set(event.target.value)}
      />
    </label>
  );
  return (
    <details className="moe-Contrast" open={rows.length === 0}>
      <summary {...OWN_KEYS}>
        {rows.length === 0
          ? trans.__('Make vectors from prompts that differ in one thing')
          : trans.__('Contrast prompts')}
      </summary>
      <div className="moe-Contrast-sides">
        {box(trans.__('Towards'), positive, setPositive)}
        {box(trans.__('Away from'), negative, setNegative)}
      </div>
      <button
        {...OWN_KEYS}
        className="moe-Button"
        disabled={!isReady}
        onClick={() => model.send({ do: 'contrast', positive, negative })}
      >
        {trans.__('Make vectors')}
      </button>
    </details>
  );
}

function Scales({ model, trans }: ISteeringProps): JSX.Element | null {
  const { rows, refusal } = model.state;
  if (rows.length === 0) {
    return null;
  }
  const isLike = rows.every(({ scale }) => scale === rows[0].scale);
  const slider = (
    row: number | null,
    name: string,
    scale: number,
    shown: string,
    title: string
  ): JSX.Element => (
    <li key={name} title={title}>
      <span className="moe-Scales-name">{name}</span>
      <Slider
        label={trans.__('Scale, %1', name)}
        value={scale}
        min={-MOST_STEERING}
        max={MOST_STEERING}
        step={0.5}
        disabled={!model.isLive}
        text={shown}
        answer={refusal}
        change={value => model.send({ do: 'scale', row, scale: value })}
      />
      <output>{shown}</output>
      {refusal && refusal.row === row && row !== null && (
        <p className="moe-Refusal" role="alert">
          {refusal.text}
        </p>
      )}
    </li>
  );
  return (
    <div
      className="moe-Scales"
      role="group"
      aria-label={trans.__('Scale of the vector after each layer')}
    >
      <div className="moe-Scales-head">
        <span>{trans.__('Times the vector, added after each layer')}</span>
        <button
          {...OWN_KEYS}
          className="moe-Button"
          disabled={!model.isLive || (isLike && rows[0].scale === 0)}
          onClick={() => model.send({ do: 'scale', row: null, scale: 0 })}
        >
          {trans.__('Clear')}
        </button>
      </div>
      <ul>
        {slider(
          null,
          trans.__('all layers'),
          isLike ? rows[0].scale : 0,
          isLike ? signed(rows[0].scale) : trans.__('mixed'),
          trans.__('Sets all layers alike')
        )}
        {rows.map((row, i) =>
          slider(
            i,
            layerName(row),
            row.scale,
            signed(row.scale),
            trans.__('The vector has length %1', row.norm)
          )
        )}
      </ul>
    </div>
  );
}

function signed(value: number): string {
  return value > 0 ? `+${value}` : String(value).replace('-', '−');
}
