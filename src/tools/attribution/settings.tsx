import {
  MAX_STEPS,
  type AskedBaseline,
  type AttributionMethod
} from 'moe-debugger/protocol';
import { NumberField, OWN_KEYS, Select } from '../../drawing';
import type { Settings } from './model';
import type { IAttributionProps } from './props';

/** How to attribute: method, steps and baseline. */
export function SettingsFields({
  model,
  trans
}: IAttributionProps): JSX.Element {
  const { settings, isLive } = model;
  const { method, steps, baseline } = settings;
  const methods: [AttributionMethod, string][] = [
    ['ig', trans.__('integrated gradients')],
    ['grad-input', trans.__('gradient × input')],
    ['occlusion', trans.__('occlusion')]
  ];
  const baselines: [AskedBaseline['kind'], string][] = [
    ['zero', trans.__('zeros')],
    ['mean', trans.__('mean of all tokens')],
    ['token', trans.__('a token')],
    ['prompt', trans.__('a contrast prompt')]
  ];
  const set = (change: Partial<Settings>) => {
    model.settings = { ...settings, ...change };
  };
  return (
    <div className="moe-AttributionSettings">
      <Select
        label={trans.__('Method')}
        title={trans.__('Method')}
        value={method}
        options={methods}
        disabled={!isLive}
        choose={value => set({ method: value })}
      />
      {method === 'ig' && (
        <NumberField
          label={trans.__('steps')}
          value={steps}
          min={1}
          max={MAX_STEPS}
          disabled={!isLive}
          change={value => set({ steps: value })}
          trans={trans}
        />
      )}
      <label className="moe-AttributionSettings-baseline">
        <span>{trans.__('from')}</span>
        <Select
          label={trans.__('Baseline')}
          title={trans.__('The input that represents an absent prompt')}
          value={baseline.kind}
          options={baselines}
          disabled={!isLive}
          choose={kind => set({ baseline: { ...baseline, kind } })}
        />
      </label>
      {needsText(baseline) && (
        <input
          {...OWN_KEYS}
          type="text"
          aria-label={
            baseline.kind === 'token'
              ? trans.__('Baseline token')
              : trans.__('Contrast prompt')
          }
          placeholder={
            baseline.kind === 'token'
              ? trans.__('one token, or its id')
              : trans.__('same number of tokens as the prompt')
          }
          value={baseline.text}
          readOnly={!isLive}
          onChange={event =>
            set({ baseline: { ...baseline, text: event.target.value } })
          }
        />
      )}
    </div>
  );
}

/** Whether the form is complete. */
export function isComplete({ method, steps, baseline }: Settings): boolean {
  return (
    (method !== 'ig' || !Number.isNaN(steps)) &&
    (!needsText(baseline) || baseline.text !== '')
  );
}

function needsText({ kind }: AskedBaseline): boolean {
  return kind === 'token' || kind === 'prompt';
}
