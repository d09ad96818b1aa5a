import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { tokenText } from 'moe-debugger/charts';
import { layerName, type RankedToken } from 'moe-debugger/protocol';
import { useId } from 'react';
import { OWN_KEYS } from '../../routing/own-keys';
import { PromptForm } from '../prompt-form';
import { RefusalLine } from '../refusal';
import type { LensModel } from './model';

interface ILensProps {
  model: LensModel;
  trans: TranslationBundle;
}

const COLUMNS = 5;
const VOTES = 6;
const LONGEST_TOKEN = 16;

/** Tokens to choose from, a layer slider, and what layers and experts would say. */
export class LensView extends ReactWidget {
  constructor(private _props: ILensProps) {
    super();
    this.addClass('moe-LensView');
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
                prompt={state.prompt}
                isLive={isLive}
                running={running}
                label={trans.__('Prompt')}
                placeholder={trans.__('Type a prompt, then press Enter')}
                action={trans.__('Read')}
                submit={prompt => model.send({ do: 'read', prompt })}
                cancel={() => model.send({ do: 'cancel' })}
                trans={trans}
              />
              {running && (
                <progress
                  aria-label={trans.__('Forwards done')}
                  value={state.total === 0 ? undefined : state.done}
                  max={state.total || 1}
                />
              )}
              <RefusalLine refusal={state.refusal} />
              {state.lens ? (
                <>
                  <Tokens {...this._props} />
                  <Layers {...this._props} />
                  <Table {...this._props} />
                  <Votes {...this._props} />
                </>
              ) : (
                <p className="moe-Message">
                  {running
                    ? trans.__('Reading…')
                    : trans.__(
                        'Type a prompt above and press Read: what each layer would say appears here.'
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

/** The tokens that were read; one of them is looked at. */
function Tokens({ model, trans }: ILensProps): JSX.Element {
  const name = useId();
  const lens = model.state.lens!;
  return (
    <div
      className="moe-LensTokens"
      role="radiogroup"
      aria-label={trans.__('Token after which is read')}
    >
      {lens.positions.map((position, i) => (
        <label
          key={position}
          className="moe-LensTokens-token"
          title={trans.__('token %1', position)}
        >
          <input
            {...OWN_KEYS}
            type="radio"
            name={name}
            checked={model.position === i}
            onChange={() => {
              model.position = i;
            }}
          />
          <span className="moe-LensTokens-text">
            {short(tokenText(lens.tokens[position]))}
          </span>
        </label>
      ))}
    </div>
  );
}

function Layers({ model, trans }: ILensProps): JSX.Element {
  const { layers } = model.state.lens!;
  const name = layerName(layers[model.layer]);
  return (
    <label className="moe-LensLayer">
      <span>{trans.__('Layer')}</span>
      <input
        {...OWN_KEYS}
        type="range"
        min={0}
        max={layers.length - 1}
        value={model.layer}
        aria-label={trans.__('Layer')}
        aria-valuetext={name}
        onChange={event => {
          model.layer = Number(event.target.value);
        }}
      />
      <span>{name}</span>
    </label>
  );
}

/** A row a layer: its likeliest next tokens, shaded by probability. */
function Table({ model, trans }: ILensProps): JSX.Element {
  const lens = model.state.lens!;
  return (
    <div className="moe-LensTable" tabIndex={0} {...OWN_KEYS}>
      <table aria-label={trans.__('Likeliest next tokens by layer')}>
        <thead>
          <tr>
            <th scope="col">{trans.__('after')}</th>
            <th scope="col" colSpan={COLUMNS}>
              {trans.__('would say')}
            </th>
            <th
              scope="col"
              title={trans.__(
                'Divergence of the model’s own distribution from this one, in nats'
              )}
            >
              {trans.__('KL')}
            </th>
            <th
              scope="col"
              title={trans.__('Rank here of what the model itself says')}
            >
              {trans.__('rank')}
            </th>
          </tr>
        </thead>
        <tbody>
          {lens.layers.map((layer, i) => {
            const reading = layer.readings[model.position];
            return (
              <tr
                key={i}
                className={i === model.layer ? 'moe-mod-current' : undefined}
                aria-current={i === model.layer ? true : undefined}
                onClick={() => {
                  model.layer = i;
                }}
              >
                <th scope="row">{layerName(layer)}</th>
                {Array.from({ length: COLUMNS }, (_, rank) => (
                  <Token key={rank} token={reading.top[rank]} trans={trans} />
                ))}
                <td className="moe-mod-number">
                  {reading.klToFinal?.toFixed(2) ?? '–'}
                </td>
                <td className="moe-mod-number">{reading.rankOfFinal ?? '–'}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** What the experts that were chosen at this layer vote for. */
function Votes({ model, trans }: ILensProps): JSX.Element {
  const { current, experts, position } = model;
  const { warnings } = model.state.lens!;
  const votes = experts.flatMap(own =>
    own.positions[position].votes.map(vote => ({ ...vote, of: own.module }))
  );
  return (
    <section
      className="moe-LensVotes"
      aria-label={trans.__('Votes of experts')}
    >
      <h4>
        {trans.__(
          'What the selected experts of %1 vote for',
          current ? layerName(current) : ''
        )}
      </h4>
      {votes.length === 0 ? (
        <p className="moe-Message">
          {warnings[0] ??
            trans.__('No expert was read here: the layer has no router.')}
        </p>
      ) : (
        <ul>
          {votes.map(({ expert, weight, top, of }, i) => (
            <li key={i}>
              <span className="moe-LensVotes-name">
                {[of, trans.__('expert %1', expert)].filter(Boolean).join(' ')}
                <small>{weight?.toFixed(3) ?? '–'}</small>
              </span>
              <span className="moe-LensVotes-tokens">
                {top.slice(0, VOTES).map((token, rank) => (
                  <span
                    key={rank}
                    className="moe-LensVotes-token"
                    title={title(token, trans)}
                  >
                    {text(token)}
                  </span>
                ))}
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Token(props: {
  token: RankedToken | undefined;
  trans: TranslationBundle;
}): JSX.Element {
  const { token, trans } = props;
  return token ? (
    <td
      style={
        {
          '--moe-share': `${Math.round(70 * (token.probability ?? 0))}%`
        } as React.CSSProperties
      }
      title={title(token, trans)}
    >
      {text(token)}
    </td>
  ) : (
    <td />
  );
}

function title(token: RankedToken, trans: TranslationBundle): string {
  return trans.__(
    'id %1, probability %2, logit %3',
    token.id,
    token.probability?.toPrecision(3) ?? '–',
    token.logit?.toFixed(2) ?? '–'
  );
}

function text({ id, text: piece }: RankedToken): string {
  return short(tokenText({ position: 0, id, text: piece }));
}

function short(piece: string): string {
  return piece.length > LONGEST_TOKEN
    ? `${piece.slice(0, LONGEST_TOKEN - 1)}…`
    : piece;
}
