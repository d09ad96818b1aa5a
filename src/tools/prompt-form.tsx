import type { TranslationBundle } from '@jupyterlab/translation';
import { useEffect, useState, type ReactNode } from 'react';
import { OWN_KEYS } from '../routing/own-keys';

interface IPromptFormProps {
  prompt: string;
  isLive: boolean;
  running: boolean;
  /** Of the text box. */
  label: string;
  placeholder: string;
  /** Of the button. */
  action: string;
  /** Enter starts a line, and Ctrl+Enter submits. */
  isLines?: boolean;
  /** More to fill in. */
  children?: ReactNode;
  /** Whether what else was filled in will do. */
  isReady?: boolean;
  submit: (prompt: string) => void;
  cancel: () => void;
  trans: TranslationBundle;
}

/** What the model is run on. The kernel's prompt replaces what was typed only when it changes. */
export function PromptForm(props: IPromptFormProps): JSX.Element {
  const { isLive, running, isLines = false, trans } = props;
  const [prompt, setPrompt] = useState(props.prompt);
  useEffect(() => setPrompt(props.prompt), [props.prompt]);
  const isReady = isLive && prompt.trim() !== '' && (props.isReady ?? true);
  const submit = () => {
    if (isReady) {
      props.submit(prompt);
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
        rows={isLines ? 3 : 2}
        value={prompt}
        readOnly={!isLive}
        aria-label={props.label}
        placeholder={props.placeholder}
        title={
          isLines
            ? trans.__('One a line. Ctrl+Enter: %1', props.action)
            : trans.__('Enter: %1. Shift+Enter starts a line', props.action)
        }
        onChange={event => setPrompt(event.target.value)}
        onKeyDown={event => {
          if (
            event.key === 'Enter' &&
            (isLines ? event.ctrlKey || event.metaKey : !event.shiftKey)
          ) {
            event.preventDefault();
            submit();
          }
        }}
      />
      <div className="moe-PromptForm-row">
        {props.children}
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
            key="submit"
            type="submit"
            className="moe-Button moe-mod-accept"
            disabled={!isReady}
          >
            {props.action}
          </button>
        )}
      </div>
    </form>
  );
}
