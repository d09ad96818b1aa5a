import { EXPERT_EDITS, layerName } from 'moe-debugger/protocol';
import { useState } from 'react';
import { OWN_KEYS } from '../../drawing';
import type { IToolProps } from '../tool';
import { KINDS, kindHelp, kindName } from './kinds';
import type { ExpertsModel } from './model';

type IControlsProps = IToolProps<ExpertsModel>;

/** The mode of clicks, the history, and top-k. */
export function ExpertControls(props: IControlsProps): JSX.Element {
  return (
    <div className="moe-ExpertControls">
      <Modes {...props} />
      <History {...props} />
      <TopK {...props} />
    </div>
  );
}

function Modes({ model, trans }: IControlsProps): JSX.Element {
  return (
    <div
      className="moe-Segments"
      role="radiogroup"
      aria-label={trans.__('What a click on an expert does')}
    >
      {EXPERT_EDITS.map(kind => (
        <label key={kind} title={kindHelp(kind, trans)}>
          <input
            {...OWN_KEYS}
            type="radio"
            checked={model.mode === kind}
            disabled={!model.isLive}
            onChange={() => {
              model.mode = kind;
            }}
          />
          <span className="moe-Segments-choice">
            <span aria-hidden="true">{KINDS[kind].sign} </span>
            {kindName(kind, trans)}
          </span>
        </label>
      ))}
    </div>
  );
}

function History({ model, trans }: IControlsProps): JSX.Element {
  const { canUndo, canRedo, edits, topK } = model.state;
  const isEdited = edits.length > 0 || topK.some(k => k !== null);
  const button = (
    action: 'undo' | 'redo' | 'clear',
    label: string,
    isEnabled: boolean
  ) => (
    <button
      {...OWN_KEYS}
      className="moe-Button"
      disabled={!model.isLive || !isEnabled}
      onClick={() => model.send({ do: action })}
    >
      {label}
    </button>
  );
  return (
    <div
      className="moe-ExpertControls-history"
      role="group"
      aria-label={trans.__('Edits')}
    >
      {button('undo', trans.__('Undo'), canUndo)}
      {button('redo', trans.__('Redo'), canRedo)}
      {button('clear', trans.__('Clear'), isEdited)}
    </div>
  );
}

function TopK({ model, trans }: IControlsProps): JSX.Element {
  const { rows, topK } = model.state;
  const [row, setRow] = useState<number | null>(null);
  const scope = row !== null && row < rows.length ? row : null;
  const values = rows.map(({ topK: own }, i) => topK[i] ?? own);
  const shown = scope === null ? Math.max(...values) : values[scope];
  const isMixed = scope === null && values.some(k => k !== shown);
  const most =
    scope === null
      ? Math.min(...rows.map(({ experts }) => experts))
      : rows[scope].experts;
  const isChanged =
    scope === null ? topK.some(k => k !== null) : topK[scope] !== null;
  return (
    <div
      className="moe-ExpertControls-topK"
      role="group"
      aria-label={trans.__('Experts per token')}
    >
      <span className="moe-ExpertControls-label" aria-hidden="true">
        {trans.__('Top-k')}
      </span>
      <select
        {...OWN_KEYS}
        className="moe-ExpertControls-scope"
        aria-label={trans.__('Layers whose top-k changes')}
        value={scope ?? ''}
        disabled={!model.isLive}
        onChange={event =>
          setRow(event.target.value === '' ? null : Number(event.target.value))
        }
      >
        <option value="">{trans.__('all layers')}</option>
        {rows.map((entry, i) => (
          <option key={i} value={i}>
            {layerName(entry)}
          </option>
        ))}
      </select>
      <input
        {...OWN_KEYS}
        type="range"
        min={1}
        max={most}
        value={Math.min(shown, most)}
        disabled={!model.isLive}
        aria-label={trans.__('Experts per token')}
        aria-valuetext={isMixed ? trans.__('mixed') : String(shown)}
        onChange={event =>
          model.send({ do: 'top-k', row: scope, k: Number(event.target.value) })
        }
      />
      <output>{isMixed ? trans.__('mixed') : shown}</output>
      <button
        {...OWN_KEYS}
        className="moe-Button moe-mod-icon"
        disabled={!model.isLive || !isChanged}
        title={trans.__('Back to the model’s own top-k')}
        aria-label={trans.__('Reset')}
        onClick={() => model.send({ do: 'top-k', row: scope, k: null })}
      >
        ↺
      </button>
    </div>
  );
}
