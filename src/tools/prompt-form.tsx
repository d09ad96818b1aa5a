import type { TranslationBundle } from '@jupyterlab/translation';
import { useEffect, useState } from 'react';
import { OWN_KEYS } from '../routing/own-keys';

interface IPromptFormProps {
  prompt: string;
  maxNewTokens: number;
  isLive: boolean;
  running: boolean;
  generate: (prompt: string, maxNewTokens: number) => void;
  cancel: () => void;
  trans: TranslationBundle;
}

const MOST_TOKENS = 512;

/** What the model writes on from, and how far. The kernel's prompt replaces what was typed only when it changes. */
export function PromptForm(props: IPromptFormProps): JSX.Element {
  const { isLive, running, trans } = props;
  const [prompt, setPrompt] = useState(props.prompt);
  const [tokens, setTokens] = useState(props.maxNewTokens);
  useEffect(() => setPrompt(props.prompt), [props.prompt]);
  useEffect(() => setTokens(props.maxNewTokens), [props.maxNewTokens]);
  const isReady = isLive && prompt !== '' && tokens >= 1;
  const submit = () => {
    if (isReady) {
      props.generate(prompt, tokens);
    }
  };
  return (
    <form
      className="moe-PromptForm"
      onSubmit={event => {
        event.preventDefault();
        submit();
      }}
    >
      <textarea
        {...OWN_KEYS}
        rows={2}
        value={prompt}
        readOnly={!isLive}
        aria-label={trans.__('Prompt')}
        placeholder={trans.__('Type a prompt, then press Enter')}
        title={trans.__('Enter generates; Shift+Enter starts a line')}
        onChange={event => setPrompt(event.target.value)}
        onKeyDown={event => {
          if (event.key === 'Enter' && !event.shiftKey) {
            event.preventDefault();
            submit();
          }
        }}
      />
      <div className="moe-PromptForm-row">
        <label>
          <span>{trans.__('New tokens')}</span>
          <input
            {...OWN_KEYS}
            type="number"
            min={1}
            max={MOST_TOKENS}
            value={Number.isFinite(tokens) ? tokens : ''}
            disabled={!isLive}
            onChange={event =>
              setTokens(
                Math.min(MOST_TOKENS, Math.floor(event.target.valueAsNumber))
              )
            }
          />
        </label>
        {running ? (
          <button
            {...OWN_KEYS}
            key="cancel"
            type="button"
            className="moe-Button"
            onClick={props.cancel}
          >
            {trans.__('Cancel')}
          </button>
        ) : (
          <button
            {...OWN_KEYS}
            key="generate"
            type="submit"
            className="moe-Button moe-mod-accept"
            disabled={!isReady}
          >
            {trans.__('Generate')}
          </button>
        )}
      </div>
    </form>
  );
}
