import { tokenLabel, tokenText } from 'moe-debugger/charts';
import type { AttributedToken } from 'moe-debugger/protocol';
import { Fragment, useId, useState } from 'react';
import { OWN_KEYS } from '../../routing/own-keys';
import { figureText, signedFigure } from '../figure-text';
import type { IAttributionProps } from './props';

/** More would make the page slow, and nobody reads them. */
const MOST_CHIPS = 1000;
const MOST_ROWS = 100;
/** Text is to be read on the strongest colour. */
const STRONGEST = 60;
/** Of the largest attribution: below it, a sign would be noise. */
const SIGNED_SHARE = 0.05;

/** The tokens, coloured by what they give; one of them is looked at. */
export function AttributedTokens({
  model,
  trans
}: IAttributionProps): JSX.Element {
  const name = useId();
  const { tokens } = model.state.attribution!;
  const first = Math.max(0, tokens.length - MOST_CHIPS);
  return (
    <>
      <div
        className="moe-LensTokens moe-AttributionTokens"
        role="radiogroup"
        aria-label={trans.__('Tokens by attribution')}
      >
        {tokens.slice(first).map((token, i) => (
          <Fragment key={i}>
            {breaks(token) === 'before' && <Break />}
            <label
              className="moe-LensTokens-token"
              title={describe(token)}
              style={
                {
                  '--moe-share': `${Math.round(
                    model.peak === 0
                      ? 0
                      : (STRONGEST * Math.abs(token.attribution)) / model.peak
                  )}%`
                } as React.CSSProperties
              }
            >
              <input
                {...OWN_KEYS}
                type="radio"
                name={name}
                aria-label={describe(token)}
                checked={model.position === first + i}
                onChange={() => {
                  model.position = first + i;
                }}
              />
              <span
                className={`moe-LensTokens-text${token.attribution < 0 ? ' moe-mod-negative' : ''}`}
                data-sign={sign(token.attribution, model.peak)}
              >
                {tokenLabel(token)}
              </span>
            </label>
            {breaks(token) === 'after' && <Break />}
          </Fragment>
        ))}
      </div>
      <div className="moe-ExpertLine">
        <span>
          {first > 0 &&
            trans.__(
              'Only the last %1 of %2 tokens are drawn.',
              MOST_CHIPS,
              tokens.length
            )}
        </span>
        <span className="moe-ExpertLine-scale">
          <span>{signedFigure(-model.peak)}</span>
          <span className="moe-ExpertLine-ramp moe-mod-signed" />
          <span>{signedFigure(model.peak)}</span>
        </span>
      </div>
    </>
  );

  function describe(token: AttributedToken): string {
    return trans.__(
      'token %1, %2: %3',
      token.position,
      tokenText(token),
      signedFigure(token.attribution)
    );
  }
}

/** The strongest tokens in numbers. Made when it is opened. */
export function TokenTable({ model, trans }: IAttributionProps): JSX.Element {
  const [isOpen, setOpen] = useState(false);
  const { tokens } = model.state.attribution!;
  return (
    <details
      className="moe-Disclosure"
      onToggle={event => setOpen(event.currentTarget.open)}
    >
      <summary {...OWN_KEYS}>
        {tokens.length > MOST_ROWS
          ? trans.__('Table of the %1 strongest tokens', MOST_ROWS)
          : trans.__('Table of all tokens')}
      </summary>
      {isOpen && (
        <div className="moe-LensTable" tabIndex={0} {...OWN_KEYS}>
          <table aria-label={trans.__('Tokens, strongest first')}>
            <thead>
              <tr>
                <th scope="col">{trans.__('position')}</th>
                <th scope="col">{trans.__('token')}</th>
                <th scope="col">{trans.__('attribution')}</th>
              </tr>
            </thead>
            <tbody>
              {[...tokens]
                .sort(
                  (a, b) => Math.abs(b.attribution) - Math.abs(a.attribution)
                )
                .slice(0, MOST_ROWS)
                .map(token => (
                  <tr key={token.position}>
                    <th scope="row" className="moe-mod-number">
                      {token.position}
                    </th>
                    <td>{tokenLabel(token)}</td>
                    <td
                      className="moe-mod-number"
                      title={figureText(token.attribution)}
                    >
                      {signedFigure(token.attribution)}
                    </td>
                  </tr>
                ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}

/** Where a line of the prompt ends at a token: behind it, or before one that also indents the next. */
function breaks({ text = '' }: AttributedToken): 'before' | 'after' | null {
  return text.endsWith('\n') ? 'after' : text.includes('\n') ? 'before' : null;
}

function Break(): JSX.Element {
  return <span className="moe-AttributionTokens-break" />;
}

function sign(value: number, peak: number): string {
  if (Math.abs(value) < SIGNED_SHARE * peak || value === 0) {
    return '';
  }
  return value < 0 ? '−' : '+';
}
