import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import type { EditedTextState } from 'moe-debugger/protocol';
import { useEffect, useState } from 'react';
import { OWN_KEYS } from '../routing/own-keys';
import type { ToolModel } from './model';
import { PromptForm } from './prompt-form';
import { SideBySide } from './side-by-side';

/** Of tools that write with an edit beside what the model wrote without. */
export type EditedTextModel = ToolModel<
  EditedTextState,
  { do: 'generate'; prompt: string; maxNewTokens: number } | { do: 'cancel' }
>;

interface IEditedTextOptions {
  model: EditedTextModel;
  trans: TranslationBundle;
}

const MOST_TOKENS = 512;

/** What the model writes on from, and how far. */
export class GenerateForm extends ReactWidget {
  constructor(private _options: IEditedTextOptions) {
    super();
  }

  protected override render(): JSX.Element {
    return (
      <UseSignal signal={this._options.model.changed}>
        {() => <Form {...this._options} />}
      </UseSignal>
    );
  }
}

function Form({ model, trans }: IEditedTextOptions): JSX.Element {
  const { state, isLive } = model;
  const [tokens, setTokens] = useState(state.maxNewTokens);
  useEffect(() => setTokens(state.maxNewTokens), [state.maxNewTokens]);
  return (
    <PromptForm
      prompt={state.prompt}
      isLive={isLive}
      isReady={tokens >= 1}
      running={state.running && isLive}
      label={trans.__('Prompt')}
      placeholder={trans.__('Type a prompt, then press Enter')}
      action={trans.__('Generate')}
      submit={prompt =>
        model.send({ do: 'generate', prompt, maxNewTokens: tokens })
      }
      cancel={() => model.send({ do: 'cancel' })}
      trans={trans}
    >
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
    </PromptForm>
  );
}

/** Both texts. */
export class EditedTexts extends ReactWidget {
  constructor(private _options: EditedTexts.IOptions) {
    super();
  }

  protected override render(): JSX.Element {
    const { model, trans, edits, title, advice } = this._options;
    return (
      <UseSignal signal={model.changed}>
        {() => {
          const { original, edited, prompt } = model.state;
          const count = edits();
          return (
            <SideBySide
              original={original}
              edited={edited}
              title={title(count)}
              empty={{
                original:
                  prompt === ''
                    ? trans.__(
                        'Type a prompt above and press Generate: what the model writes appears here.'
                      )
                    : trans.__(
                        'Press Generate: what the model writes appears here.'
                      ),
                edited:
                  count === 0
                    ? advice
                    : prompt === ''
                      ? trans.__('The edits wait for a prompt.')
                      : trans.__('Waits for the original.')
              }}
              trans={trans}
            />
          );
        }}
      </UseSignal>
    );
  }
}

export namespace EditedTexts {
  export interface IOptions extends IEditedTextOptions {
    /** How many there are. */
    edits: () => number;
    /** Names the second text. */
    title: (edits: number) => string;
    /** What to do while there are none. */
    advice: string;
  }
}
