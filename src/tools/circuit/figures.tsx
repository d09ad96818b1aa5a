import { tokenLabel } from 'moe-debugger/charts';
import { layerName, type CircuitTarget } from 'moe-debugger/protocol';
import { FigureLine } from '../figure-line';
import { figureText } from '../figure-text';
import type { ICircuitProps } from './props';

/** The target of the comparison, and the accuracy of first-order effects. */
export function CircuitFigures({ model, trans }: ICircuitProps): JSX.Element {
  const { target, values, correlation, notes, direction } =
    model.state.circuit!;
  const figures: [string, string][] = [
    [trans.__('clean'), number(values.clean)],
    [trans.__('corrupted'), number(values.corrupted)],
    ...(['nodes', 'cells'] as const).flatMap((of): [string, string][] => {
      const found = correlation?.[of];
      return found && found.n > 0
        ? [
            [
              of === 'nodes'
                ? trans.__('first order and measured, %1 parts', found.n)
                : trans.__('at single tokens, %1', found.n),
              trans.__('r = %1', found.pearson?.toFixed(2) ?? '–')
            ]
          ]
        : [];
    })
  ];
  return (
    <section
      className="moe-SweepExpert"
      aria-label={trans.__('Target of the comparison')}
    >
      <h4>
        <Target target={target} trans={trans} />
      </h4>
      <FigureLine figures={figures} />
      <p className="moe-CircuitFigures-direction">
        {direction === 'noising'
          ? trans.__(
              'Effects: the change of the target when activations of the corrupted prompt are patched into the clean run.'
            )
          : trans.__(
              'Effects: the change of the target when activations of the clean prompt are patched into the corrupted run.'
            )}
      </p>
      {notes.map((note, i) => (
        <p key={i} className="moe-Warning" role="note">
          {note}
        </p>
      ))}
    </section>
  );
}

function Target(props: {
  target: CircuitTarget;
  trans: ICircuitProps['trans'];
}): JSX.Element {
  const { target, trans } = props;
  const { kind, position, layer, stack, expert } = target;
  if (kind === 'router') {
    return (
      <>
        {trans.__(
          'Score of %1, expert %2, at token %3',
          layerName({ layer: layer ?? 0, stack }),
          expert ?? 0,
          position
        )}
      </>
    );
  }
  const token = (id: number | undefined, text: string | undefined) => (
    <code>{tokenLabel({ position, id: id ?? -1, text })}</code>
  );
  return (
    <>
      {kind === 'log-probability'
        ? trans.__('Log-probability of')
        : trans.__('Logit of')}{' '}
      {token(target.token, target.text)}{' '}
      {kind === 'logit-difference' && (
        <>
          {trans.__('minus that of')}{' '}
          {token(target.against, target.againstText)}{' '}
        </>
      )}
      {trans.__('after token %1', position)}
    </>
  );
}

function number(value: number): string {
  return figureText(value).replace('-', '−');
}
