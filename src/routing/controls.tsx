import type { ITranslation } from '../translation';
import { layerName, type Measure } from 'moe-debugger/protocol';
import type { RoutingModel } from './model';
import { OWN_KEYS, useSignal } from '../drawing';
import { sampleName } from './sample-name';

interface IControlsProps {
  model: RoutingModel;
  trans: ITranslation;
}

/** Layer slider, measure, samples and display: one row above the charts. */
export function RoutingControls(props: IControlsProps): JSX.Element {
  const { model, trans } = props;
  useSignal(model.changed, isShown);
  return (
    <div
      className="moe-RoutingControls"
      role="group"
      aria-label={trans.__('Routing view controls')}
    >
      <LayerSlider {...props} />
      <Measures {...props} />
      <Samples {...props} />
      <Display {...props} />
    </div>
  );
}

/** Ignores the cursor and new rows, which come often and are not shown here. */
function isShown(change: RoutingModel.Change): boolean {
  return change !== 'cursor' && change !== 'rows';
}

function LayerSlider({ model, trans }: IControlsProps): JSX.Element {
  const layer = model.panes
    .map(pane => model.layer(pane))
    .find(each => each !== undefined);
  const name = layer ? layerName(layer) : '';
  const last = model.layerCount - 1;
  return (
    <label className="moe-RoutingControls-layer">
      <span>{trans.__('Layer')}</span>
      <input
        {...OWN_KEYS}
        type="range"
        min={0}
        max={last}
        step={1}
        value={model.layerIndex}
        disabled={last === 0}
        aria-label={trans.__('Layer')}
        aria-valuetext={trans.__(
          '%1, %2 of %3',
          name,
          model.layerIndex + 1,
          last + 1
        )}
        onChange={event => {
          model.layerIndex = Number(event.target.value);
        }}
      />
      <span className="moe-RoutingControls-name">
        {trans.__('%1 (%2/%3)', name, model.layerIndex + 1, last + 1)}
      </span>
    </label>
  );
}

function Measures({ model, trans }: IControlsProps): JSX.Element {
  const choices: [Measure, string][] = [
    ['weight', trans.__('Weights')],
    ['probability', trans.__('Probabilities')]
  ];
  return (
    <label>
      <span>{trans.__('Show')}</span>
      <select
        {...OWN_KEYS}
        aria-label={trans.__('Measure')}
        value={model.measure}
        disabled={!model.hasProbabilities}
        title={
          model.hasProbabilities
            ? trans.__(
                'Weights: the factors of the selected experts. Probabilities: the router’s distribution over all experts.'
              )
            : trans.__(
                'Probabilities are not available: the logits were left out to keep this output small.'
              )
        }
        onChange={event => {
          model.measure = event.target.value as Measure;
        }}
      >
        {choices.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </label>
  );
}

function Samples({ model, trans }: IControlsProps): JSX.Element | null {
  const { samples } = model.view;
  if (samples.length <= model.panes.length) {
    return null;
  }
  return (
    <>
      {model.panes.map(pane => (
        <label key={pane}>
          <span>
            {model.panes.length === 1 ? trans.__('Sample') : 'AB'[pane]}
          </span>
          <select
            {...OWN_KEYS}
            value={model.sampleIndex(pane)}
            onChange={event =>
              model.setSampleIndex(pane, Number(event.target.value))
            }
          >
            {samples.map((sample, i) => (
              <option key={i} value={i}>
                {sampleName(sample)}
              </option>
            ))}
          </select>
        </label>
      ))}
    </>
  );
}

function Display({ model, trans }: IControlsProps): JSX.Element {
  const isTable = model.display === 'table';
  return (
    <button
      {...OWN_KEYS}
      className="moe-Button"
      aria-pressed={isTable}
      title={trans.__('Show the values as a table')}
      onClick={() => {
        model.display = isTable ? 'heatmap' : 'table';
      }}
    >
      {trans.__('Table')}
    </button>
  );
}
