import { tokenLabel, tokenText } from 'moe-debugger/charts';
import type { CircuitEdge, CircuitNode } from 'moe-debugger/protocol';
import { useId } from 'react';
import { OWN_KEYS } from '../../drawing';
import { signedFigure } from '../figure-text';
import { TokenChoice } from '../token-choice';
import type { ICircuitProps } from './props';
import { SaveButtons } from './save';

const MAX_EDGES = 6;
const MAX_CHIPS = 500;

/** The selected part: its first-order effect, and the effect measured by patching. */
export function CircuitDetails(props: ICircuitProps): JSX.Element {
  const { model, trans } = props;
  const { selected } = model;
  return (
    <>
      {selected && (
        <section
          className="moe-SweepExpert moe-CircuitDetails"
          aria-label={trans.__('Selected part')}
        >
          <h4>{selected.id}</h4>
          <Tokens {...props} node={selected} />
          <Effects {...props} node={selected} />
          <Ways {...props} node={selected} />
        </section>
      )}
      <SaveButtons {...props} />
    </>
  );
}

interface INodeProps extends ICircuitProps {
  node: CircuitNode;
}

/** Selects all tokens, or one of them. */
function Tokens({ model, trans, node }: INodeProps): JSX.Element | null {
  const name = useId();
  const { effects } = node;
  const { clean } = model.state.circuit!;
  if (!effects) {
    return null;
  }
  const peak = effects.reduce<number>(
    (most, effect) => Math.max(most, Math.abs(effect ?? 0)),
    0
  );
  const choice = (
    position: number | null,
    label: string,
    text: string,
    effect: number
  ): JSX.Element => (
    <TokenChoice
      key={position}
      name={name}
      text={text}
      title={label}
      isChosen={model.position === position}
      choose={() => {
        model.position = position;
      }}
      effect={{ value: effect, peak }}
    />
  );
  return (
    <div
      className="moe-LensTokens moe-AttributionTokens"
      role="radiogroup"
      aria-label={trans.__('Token of the effect')}
    >
      {choice(null, trans.__('at all tokens'), trans.__('all tokens'), 0)}
      {clean
        .slice(-MAX_CHIPS)
        .map(token =>
          choice(
            token.position,
            trans.__(
              'token %1, %2: %3',
              token.position,
              tokenText(token),
              signedFigure(effects[token.position] ?? 0)
            ),
            tokenLabel(token),
            effects[token.position] ?? 0
          )
        )}
    </div>
  );
}

function Effects({ model, trans, node }: INodeProps): JSX.Element {
  const firstOrder = model.firstOrder(node);
  const measured = model.measured(node);
  const canPatch = node.effect !== null;
  return (
    <p className="moe-SweepExpert-figures moe-CircuitDetails-effects">
      <span>
        <small>{trans.__('first order')}</small> {number(firstOrder)}
      </span>
      {measured !== undefined ? (
        <span role="status">
          <small>{trans.__('measured by patching')}</small> {number(measured)}
        </span>
      ) : (
        canPatch && (
          <button
            {...OWN_KEYS}
            className="moe-Button"
            disabled={!model.isLive || model.state.running}
            title={trans.__(
              'Runs the model with the activations of the other prompt here'
            )}
            onClick={() => model.patch()}
          >
            {trans.__('Measure by patching')}
          </button>
        )
      )}
    </p>
  );
}

/** The strongest remaining edges into and out of the part. */
function Ways({ model, trans, node }: INodeProps): JSX.Element | null {
  const { nodes, edges } = model.pruned;
  const list = (
    title: string,
    own: readonly CircuitEdge[],
    end: 'from' | 'to'
  ): JSX.Element | null =>
    own.length === 0 ? null : (
      <div>
        <small>
          {own.length > MAX_EDGES
            ? trans.__('%1, the strongest of %2', title, own.length)
            : title}
        </small>
        <ul>
          {own.slice(0, MAX_EDGES).map(edge => (
            <li key={`${edge[end]}/${edge.input}`}>
              <button
                {...OWN_KEYS}
                className="moe-CircuitDetails-way"
                onClick={() => {
                  model.selected = nodes.find(({ id }) => id === edge[end]);
                }}
              >
                {edge[end]}
              </button>{' '}
              {edge.input && <small>{edge.input}</small>}{' '}
              <span>{signedFigure(edge.effect)}</span>
            </li>
          ))}
        </ul>
      </div>
    );
  return edges.length === 0 ? null : (
    <div className="moe-CircuitDetails-ways">
      {list(
        trans.__('reads'),
        edges.filter(({ to }) => to === node.id),
        'from'
      )}
      {list(
        trans.__('is read by'),
        edges.filter(({ from }) => from === node.id),
        'to'
      )}
    </div>
  );
}

function number(value: number | null): string {
  return value === null ? '–' : signedFigure(value);
}
