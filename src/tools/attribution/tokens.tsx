import { tokenLabel, tokenText } from 'moe-debugger/charts';
import type { AttributedToken } from 'moe-debugger/protocol';
import { Fragment, useId, useState } from 'react';
import { OWN_KEYS } from '../../drawing';
import { ColorScale } from '../color-scale';
import { figureText, signedFigure } from '../figure-text';
import { TokenChoice } from '../token-choice';
import type { IAttributionProps } from './props';

/** More tokens make the page slow. */
const MAX_CHIPS = 1000;
const MAX_ROWS = 100;

/** The tokens, coloured by attribution; one of them is selected. */
export function AttributedTokens({
  model,
  trans
}: IAttributionProps): JSX.Element {
  const name = useId();
  const { tokens } = model.state.attribution!;
  const first = Math.max(0, tokens.length - MAX_CHIPS);
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
            <TokenChoice
              name={name}
              text={tokenLabel(token)}
              title={trans.__(
                'token %1, %2: %3',
                token.position,
                tokenText(token),
                signedFigure(token.attribution)
              )}
              isChosen={model.position === first + i}
              choose={() => {
                model.position = first + i;
              }}
              effect={{ value: token.attribution, peak: model.peak }}
            />
            {breaks(token) === 'after' && <Break />}
          </Fragment>
        ))}
      </div>
      <div className="moe-ExpertLine">
        <span>
          {first > 0 &&
            trans.__(
              'Only the last %1 of %2 tokens are drawn.',
              MAX_CHIPS,
              tokens.length
            )}
        </span>
        <ColorScale
          from={signedFigure(-model.peak)}
          to={signedFigure(model.peak)}
          isSigned
        />
      </div>
    </>
  );
}

/** Table of the strongest tokens. Created when it is opened. */
export function TokenTable({ model, trans }: IAttributionProps): JSX.Element {
  const [isOpen, setOpen] = useState(false);
  const { tokens } = model.state.attribution!;
  return (
    <details
      className="moe-Disclosure"
      onToggle={event => setOpen(event.currentTarget.open)}
    >
      <summary {...OWN_KEYS}>
        {tokens.length > MAX_ROWS
          ? trans.__('Table of the %1 strongest tokens', MAX_ROWS)
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
                .slice(0, MAX_ROWS)
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

/** The position of a line break: after the token, or before it if it also indents the next line. */
function breaks({ text = '' }: AttributedToken): 'before' | 'after' | null {
  return text.endsWith('\n') ? 'after' : text.includes('\n') ? 'before' : null;
}

function Break(): JSX.Element {
  return <span className="moe-AttributionTokens-break" />;
}
