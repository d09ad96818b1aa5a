import { tokenText } from 'moe-debugger/charts';
import { layerName, type RankedToken } from 'moe-debugger/protocol';
import { useId } from 'react';
import { OWN_KEYS, useSignal } from '../../drawing';
import type { ITranslation } from '../../translation';
import { ToolBody } from '../body';
import { PromptForm } from '../prompt-form';
import { TokenChoice } from '../token-choice';
import type { IToolProps } from '../tool';
import type { LensModel } from './model';

type ILensProps = IToolProps<LensModel>;

const COLUMNS = 5;
const VOTES = 6;
const LONGEST_TOKEN = 16;

/** Tokens to select from, a layer slider, and the top tokens of layers and experts. */
export function LensView(props: ILensProps): JSX.Element {
  const { model, trans } = props;
  const { prompt, lens, done, total } = model.state;
  useSignal(model.changed);
  return (
    <div className="moe-LensView">
      <ToolBody
        model={model}
        form={
          <PromptForm
            model={model}
            prompt={prompt}
            label={trans.__('Prompt')}
            placeholder={trans.__('Type a prompt, then press Enter')}
            action={trans.__('Read')}
            submit={typed => model.send({ do: 'read', prompt: typed })}
            trans={trans}
          />
        }
        progress={{ label: trans.__('Forward passes done'), done, total }}
        empty={
          model.isRunning
            ? trans.__('Reading…')
            : trans.__(
                'Type a prompt above and press Read: the top next tokens of each layer appear here.'
              )
        }
      >
        {lens && (
          <>
            <Tokens {...props} />
            <Layers {...props} />
            <Table {...props} />
            <Votes {...props} />
          </>
        )}
      </ToolBody>
    </div>
  );
}

/** The tokens that were read; one of them is selected. */
function Tokens({ model, trans }: ILensProps): JSX.Element {
  const name = useId();
  const lens = model.state.lens!;
  return (
    <div
      className="moe-LensTokens"
      role="radiogroup"
      aria-label={trans.__('Position to read')}
    >
      {lens.positions.map((position, i) => (
        <TokenChoice
          key={position}
          name={name}
          text={short(tokenText(lens.tokens[position]))}
          title={trans.__('token %1', position)}
          isChosen={model.position === i}
          choose={() => {
            model.position = i;
          }}
        />
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

/** One row per layer: its most likely next tokens, shaded by probability. */
function Table({ model, trans }: ILensProps): JSX.Element {
  const lens = model.state.lens!;
  return (
    <div className="moe-LensTable" tabIndex={0} {...OWN_KEYS}>
      <table aria-label={trans.__('Likeliest next tokens by layer')}>
        <thead>
          <tr>
            <th scope="col">{trans.__('after')}</th>
            <th scope="col" colSpan={COLUMNS}>
              {trans.__('top next tokens')}
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
              title={trans.__(
                'Rank of the model’s own top token in this distribution'
              )}
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

/** The top tokens of the selected experts of this layer. */
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
          'Top tokens of the selected experts of %1',
          current ? layerName(current) : ''
        )}
      </h4>
      {votes.length === 0 ? (
        <p className="moe-Message">
          {warnings[0] ??
            trans.__('This layer has no router, and so no experts.')}
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
  trans: ITranslation;
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

function title(token: RankedToken, trans: ITranslation): string {
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
