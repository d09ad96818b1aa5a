import type { ReactNode } from 'react';
import { OWN_KEYS, useDraft } from '../drawing';
import type { ITranslation } from '../translation';
import type { ToolModel } from './model';
import { RunButton } from './run-button';

interface IPromptFormProps {
  model: ToolModel<{ running: boolean }, { do: 'cancel' }>;
  /** The kernel's prompt. It replaces the user's input only when it changes. */
  prompt: string;
  /** Label of the text box. */
  label: string;
  placeholder: string;
  /** Label of the button. */
  action: string;
  /** Enter starts a new line, and Ctrl+Enter submits. */
  isLines?: boolean;
  /** More inputs. */
  children?: ReactNode;
  /** Whether these are valid. */
  isReady?: boolean;
  submit: (prompt: string) => void;
  trans: ITranslation;
}

/** The form for the prompt of a run. */
export function PromptForm(props: IPromptFormProps): JSX.Element {
  const { model, action, isLines = false, trans } = props;
  const [prompt, setPrompt] = useDraft(props.prompt);
  const isReady =
    model.isLive && prompt.trim() !== '' && (props.isReady ?? true);
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
        readOnly={!model.isLive}
        aria-label={props.label}
        placeholder={props.placeholder}
        title={
          isLines
            ? trans.__('One per line. Ctrl+Enter: %1', action)
            : trans.__('Enter: %1. Shift+Enter starts a new line', action)
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
        <RunButton
          model={model}
          action={action}
          isReady={isReady}
          trans={trans}
        />
      </div>
    </form>
  );
}
