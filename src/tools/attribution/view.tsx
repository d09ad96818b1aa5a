import { useSignal } from '../../drawing';
import { ToolBody, type IProgress } from '../body';
import { PromptForm } from '../prompt-form';
import { Credit } from './credit';
import { Figures } from './figures';
import type { IAttributionProps } from './props';
import { SettingsFields, isComplete } from './settings';
import { TargetPicker } from './target-picker';
import { AttributedTokens, TokenTable } from './tokens';

/** A prompt's tokens, coloured by their attribution to a target, and the possible targets. */
export function AttributionView(props: IAttributionProps): JSX.Element {
  const { model, trans } = props;
  useSignal(model.changed);
  return (
    <div className="moe-AttributionView">
      <ToolBody
        model={model}
        form={
          <PromptForm
            model={model}
            prompt={model.state.question.prompt}
            isReady={isComplete(model.settings)}
            label={trans.__('Prompt')}
            placeholder={trans.__('Type a prompt, then press Enter')}
            action={trans.__('Attribute')}
            submit={prompt => model.ask(prompt)}
            trans={trans}
          >
            <SettingsFields {...props} />
          </PromptForm>
        }
        progress={progress(props)}
        empty={
          model.isRunning
            ? ''
            : trans.__(
                'Type a prompt above and press Attribute: how much each token contributes to the next one appears here. Then click a token to explain its prediction or its selected experts.'
              )
        }
      >
        {model.state.attribution && (
          <>
            <AttributedTokens {...props} />
            <Figures {...props} />
            <TargetPicker {...props} />
            <Credit {...props} />
            <TokenTable {...props} />
          </>
        )}
      </ToolBody>
    </div>
  );
}

/** Progress, or the current task if no steps are counted. */
function progress({ model, trans }: IAttributionProps): IProgress {
  const { done, total } = model.state;
  const isCounted = total > 0 && done < total;
  return {
    label: trans.__('Steps done'),
    done,
    total: isCounted ? total : 0,
    text: isCounted
      ? trans.__('%1 of %2 steps', done, total)
      : total === 0
        ? trans.__(
            'Preparing the gradients, which takes a while the first time…'
          )
        : trans.__('Computing the attribution of layers and experts…')
  };
}
