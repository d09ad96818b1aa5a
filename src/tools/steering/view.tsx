import {
  MAX_STEERING_SCALE,
  layerName,
  type SteeringAction,
  type SteeringState
} from 'moe-debugger/protocol';
import { OWN_KEYS, Slider, useDraft, useSignal } from '../../drawing';
import { RefusalLine } from '../body';
import { EditedTexts, GenerateForm } from '../edited-text';
import type { ToolModel } from '../model';
import type { IToolProps } from '../tool';

type ISteeringProps = IToolProps<ToolModel<SteeringState, SteeringAction>>;

/** Prompt, contrast, sliders and both texts. */
export function SteeringView(props: ISteeringProps): JSX.Element {
  const { model, trans } = props;
  const { rows, refusal } = model.state;
  useSignal(model.changed);
  const steered = rows.filter(({ scale }) => scale !== 0).length;
  return (
    <div className="moe-SteeringView">
      <GenerateForm {...props} />
      <Contrast {...props} />
      <RefusalLine refusal={refusal} />
      <Scales {...props} />
      <EditedTexts
        {...props}
        edits={steered}
        title={
          steered === 0
            ? trans.__('Steered')
            : trans._n('Steered · %1 layer', 'Steered · %1 layers', steered)
        }
        advice={trans.__(
          'Move a slider: what the model writes when it is steered appears here.'
        )}
      />
    </div>
  );
}
/** Contrast prompts for vectors: open while there are no vectors. */
function Contrast({ model, trans }: ISteeringProps): JSX.Element {
  const { contrast, rows } = model.state;
  const [positive, setPositive] = useDraft(contrast?.positive ?? '');
  const [negative, setNegative] = useDraft(contrast?.negative ?? '');
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
        placeholder={trans.__('One prompt per line')}
        onChange={event => set(event.target.value)}
      />
    </label>
  );
  return (
    <details className="moe-Contrast" open={rows.length === 0}>
      <summary {...OWN_KEYS}>
        {rows.length === 0
          ? trans.__('Compute vectors from prompts that differ in one thing')
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
        {trans.__('Compute vectors')}
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
        min={-MAX_STEERING_SCALE}
        max={MAX_STEERING_SCALE}
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
        <span>{trans.__('Scale of the vector added after each layer')}</span>
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
          trans.__('Sets the scale of all layers')
        )}
        {rows.map((row, i) =>
          slider(
            i,
            layerName(row),
            row.scale,
            signed(row.scale),
            trans.__('Norm of the vector: %1', row.norm)
          )
        )}
      </ul>
    </div>
  );
}

function signed(value: number): string {
  return value > 0 ? `+${value}` : String(value).replace('-', '−');
}
