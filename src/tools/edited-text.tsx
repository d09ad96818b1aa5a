import type { EditedTextState } from 'moe-debugger/protocol';
import { NumberField, useDraft } from '../drawing';
import type { ITranslation } from '../translation';
import type { ToolModel } from './model';
import { PromptForm } from './prompt-form';
import { SideBySide } from './side-by-side';

/** The model of tools that generate text with edits, beside the original. */
export type EditedTextModel = ToolModel<
  EditedTextState,
  { do: 'generate'; prompt: string; maxNewTokens: number } | { do: 'cancel' }
>;

interface IEditedTextProps {
  model: EditedTextModel;
  trans: ITranslation;
}

const MAX_TOKENS = 512;

/** The form of a generation: prompt and number of new tokens. */
export function GenerateForm({ model, trans }: IEditedTextProps): JSX.Element {
  const { prompt, maxNewTokens } = model.state;
  const [tokens, setTokens] = useDraft(maxNewTokens);
  return (
    <PromptForm
      model={model}
      prompt={prompt}
      isReady={!Number.isNaN(tokens)}
      label={trans.__('Prompt')}
      placeholder={trans.__('Type a prompt, then press Enter')}
      action={trans.__('Generate')}
      submit={typed =>
        model.send({ do: 'generate', prompt: typed, maxNewTokens: tokens })
      }
      trans={trans}
    >
      <NumberField
        label={trans.__('New tokens')}
        value={tokens}
        min={1}
        max={MAX_TOKENS}
        disabled={!model.isLive}
        change={setTokens}
        trans={trans}
      />
    </PromptForm>
  );
}

interface IEditedTextsProps extends IEditedTextProps {
  /** Number of edits. */
  edits: number;
  /** Title of the second text. */
  title: string;
  /** Advice if there are no edits. */
  advice: string;
}

/** The original and the edited text. */
export function EditedTexts(props: IEditedTextsProps): JSX.Element {
  const { model, trans, edits, title, advice } = props;
  const { original, edited, prompt } = model.state;
  return (
    <SideBySide
      original={original}
      edited={edited}
      title={title}
      empty={{
        original:
          prompt === ''
            ? trans.__(
                'Type a prompt above and press Generate: what the model writes appears here.'
              )
            : trans.__('Press Generate: what the model writes appears here.'),
        edited:
          edits === 0
            ? advice
            : prompt === ''
              ? trans.__('The edits wait for a prompt.')
              : trans.__('Waiting for the original text.')
      }}
      trans={trans}
    />
  );
}
