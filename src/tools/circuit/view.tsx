import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { RefusalLine } from '../refusal';
import { CircuitDetails } from './details';
import { CircuitFigures } from './figures';
import { CircuitForm } from './form';
import { CircuitGraph } from './graph';
import type { ICircuitProps } from './props';

/** Two prompts, and the parts by which their difference reaches the target. */
export class CircuitView extends ReactWidget {
  constructor(private _props: ICircuitProps) {
    super();
    this.addClass('moe-CircuitView');
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
              <CircuitForm {...this._props} />
              {running && <Progress {...this._props} />}
              <RefusalLine refusal={state.refusal} />
              {state.circuit ? (
                <>
                  <CircuitFigures {...this._props} />
                  <CircuitGraph {...this._props} />
                  <CircuitDetails {...this._props} />
                </>
              ) : (
                !running && (
                  <p className="moe-Message">
                    {trans.__(
                      'Type two prompts of equally many tokens that differ in one thing, and press Find: the heads and experts by which that difference reaches the prediction appear here.'
                    )}
                  </p>
                )
              )}
            </>
          );
        }}
      </UseSignal>
    );
  }
}

function Progress({ model, trans }: ICircuitProps): JSX.Element {
  const { done, total } = model.state;
  return (
    <div className="moe-AttributionProgress">
      <progress
        aria-label={trans.__('Runs done')}
        value={total > 0 ? done : undefined}
        max={total || 1}
      />
      <small>
        {total > 0
          ? trans.__('%1 of %2 runs', done, total)
          : trans.__(
              'Preparing the graph, which takes a while the first time…'
            )}
      </small>
    </div>
  );
}
