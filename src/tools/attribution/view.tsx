import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { PromptForm } from '../prompt-form';
import { RefusalLine } from '../refusal';
import { Credit } from './credit';
import { Figures } from './figures';
import type { IAttributionProps } from './props';
import { SettingsFields, isComplete } from './settings';
import { TargetPicker } from './target-picker';
import { AttributedTokens, TokenTable } from './tokens';

/** A prompt's tokens, coloured by what they give to a target, and the targets to choose from. */
export class AttributionView extends ReactWidget {
  constructor(private _props: IAttributionProps) {
    super();
    this.addClass('moe-AttributionView');
  }

  protected override render(): JSX.Element {
    const { model, trans } = this._props;
    return (
      <UseSignal signal={model.changed}>
        {() => {
          const { state, isLive } = model;
          const running = state.running && isLive;
          return (
            <>
              <PromptForm
                prompt={state.question.prompt}
                isLive={isLive}
                running={running}
                label={trans.__('Prompt')}
                placeholder={trans.__('Type a prompt, then press Enter')}
                action={trans.__('Attribute')}
                isReady={isComplete(model.settings)}
                submit={prompt => model.ask(prompt)}
                cancel={() => model.send({ do: 'cancel' })}
                trans={trans}
              >
                <SettingsFields {...this._props} />
              </PromptForm>
              {running && <Progress {...this._props} />}
              <RefusalLine refusal={state.refusal} />
              {state.attribution ? (
                <>
                  <AttributedTokens {...this._props} />
                  <Figures {...this._props} />
                  <TargetPicker {...this._props} />
                  <Credit {...this._props} />
                  <TokenTable {...this._props} />
                </>
              ) : (
                <p className="moe-Message">
                  {!running &&
                    trans.__(
                      'Type a prompt above and press Attribute: which tokens the next one comes from appears here. Then click a token to explain what was predicted, or which experts were chosen, there.'
                    )}
                </p>
              )}
            </>
          );
        }}
      </UseSignal>
    );
  }
}

/** How far it is, and what it is at while no steps are counted. */
function Progress({ model, trans }: IAttributionProps): JSX.Element {
  const { done, total } = model.state;
  const isCounted = total > 0 && done < total;
  return (
    <div className="moe-AttributionProgress">
      <progress
        aria-label={trans.__('Steps done')}
        value={isCounted ? done : undefined}
        max={total || 1}
      />
      <small>
        {isCounted
          ? trans.__('%1 of %2 steps', done, total)
          : total === 0
            ? trans.__(
                'Preparing the gradients, which takes a while the first time…'
              )
            : trans.__('Crediting layers and experts…')}
      </small>
    </div>
  );
}
