import { useSignal } from '../../drawing';
import { ToolBody } from '../body';
import { CircuitDetails } from './details';
import { CircuitFigures } from './figures';
import { CircuitForm } from './form';
import { CircuitGraph } from './graph';
import type { ICircuitProps } from './props';

/** Two prompts, and the parts that carry their difference to the target. */
export function CircuitView(props: ICircuitProps): JSX.Element {
  const { model, trans } = props;
  const { circuit, done, total } = model.state;
  useSignal(model.changed);
  return (
    <div className="moe-CircuitView">
      <ToolBody
        model={model}
        form={<CircuitForm {...props} />}
        progress={{
          label: trans.__('Runs done'),
          done,
          total,
          text:
            total > 0
              ? trans.__('%1 of %2 runs', done, total)
              : trans.__(
                  'Preparing the graph, which takes a while the first time…'
                )
        }}
        empty={
          model.isRunning
            ? ''
            : trans.__(
                'Type two prompts with the same number of tokens that differ in one thing, and press Find: the heads and experts that carry the difference to the prediction appear here.'
              )
        }
      >
        {circuit && (
          <>
            <CircuitFigures {...props} />
            <CircuitGraph {...props} />
            <CircuitDetails {...props} />
          </>
        )}
      </ToolBody>
    </div>
  );
}
