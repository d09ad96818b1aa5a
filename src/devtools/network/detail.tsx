import {
  layerName,
  type TokenPage,
  type TokenPageLayer,
  type TokenRow
} from 'moe-debugger/protocol';
import { useEffect, useState } from 'react';
import { OWN_KEYS, useSignal } from '../../drawing';
import type { IViewProps } from '../context';
import { decimals, sampleText } from '../words';
import { TokenText } from '../token-text';
import { segmentsOf } from './chip';
import { TokenPath } from './path';

/** Tokens of the text that are shown before and after the selected one. */
const AROUND = 12;

/** The selected token: its text, its path through the layers, and how close each choice was. */
export function TokenDetail({ context }: IViewProps): JSX.Element | null {
  const { source, selection, trans } = context;
  useSignal(selection.changed);
  const { token, layerIndex } = selection.current;
  const [page, setPage] = useState<TokenPage>();
  const [error, setError] = useState<string>();
  const { revision, isLive } = source;
  useEffect(() => {
    if (token === undefined || !isLive) {
      return;
    }
    let isWanted = true;
    source
      .tokens({
        filter: '',
        order: 'position',
        layerIndex: 0,
        isDescending: false,
        from: Math.max(0, token - AROUND),
        count: 2 * AROUND + 1
      })
      .then(
        answer => {
          if (isWanted) {
            setPage(answer);
            setError(undefined);
          }
        },
        (reason: unknown) => {
          if (isWanted) {
            setError(reason instanceof Error ? reason.message : String(reason));
          }
        }
      );
    return () => {
      isWanted = false;
    };
  }, [source, token, revision, isLive]);
  if (token === undefined) {
    return null;
  }
  const row = page?.rows.findIndex(({ index }) => index === token) ?? -1;
  const total = page?.total ?? 0;
  const step = (by: 1 | -1): void =>
    selection.set({ token: token + by }, { moving: 'detail' });
  return (
    <aside className="moe-TokenDetail" aria-label={trans.__('Selected token')}>
      <header>
        <button
          {...OWN_KEYS}
          className="moe-TextButton"
          aria-label={trans.__('Previous token')}
          disabled={token <= 0}
          onClick={() => step(-1)}
        >
          ‹
        </button>
        <button
          {...OWN_KEYS}
          className="moe-TextButton"
          aria-label={trans.__('Next token')}
          disabled={token >= total - 1}
          onClick={() => step(1)}
        >
          ›
        </button>
        <button
          {...OWN_KEYS}
          className="moe-TextButton"
          aria-label={trans.__('Close the detail')}
          onClick={() => selection.set({ token: undefined })}
        >
          ×
        </button>
      </header>
      {error !== undefined && (
        <p className="moe-Message" role="alert">
          {error}
        </p>
      )}
      {page && row >= 0 && (
        <>
          <h3>
            <span className="moe-Token">
              <TokenText token={page.rows[row]} />
            </span>
            <small>
              {trans.__(
                'token %1 of %2',
                page.rows[row].position,
                sampleText(source.outline, page.rows[row].sample, trans)
              )}
            </small>
          </h3>
          <p className="moe-TokenDetail-text" tabIndex={0}>
            {page.rows.map(own =>
              own.sample !== page.rows[row].sample ||
              own.stack !== page.rows[row].stack ? null : (
                <bdi
                  key={own.index}
                  className={own.index === token ? 'moe-mod-current' : ''}
                >
                  {textOf(own)}
                </bdi>
              )
            )}
          </p>
          <section className="moe-Section">
            <header className="moe-Section-head">
              <h3>{trans.__('Path')}</h3>
              <small>{trans.__('area: weight; dashed: next in line')}</small>
            </header>
            <TokenPath context={context} layers={page.layers} row={row} />
          </section>
          <table className="moe-TokenDetail-layers">
            <thead>
              <tr>
                <th scope="col">{trans.__('layer')}</th>
                <th scope="col">{trans.__('chosen, weight')}</th>
                <th scope="col">{trans.__('next')}</th>
                <th scope="col">{trans.__('margin')}</th>
              </tr>
            </thead>
            <tbody>
              {page.layers.map((layer, i) => (
                <LayerRow
                  key={layerName(layer)}
                  layer={layer}
                  row={row}
                  isCurrent={i === layerIndex}
                  choose={expert => selection.set({ layerIndex: i, expert })}
                />
              ))}
            </tbody>
          </table>
          <footer>
            <button
              {...OWN_KEYS}
              className="moe-Button"
              onClick={() => context.open('experiments')}
            >
              {trans.__('Switch experts off')}
            </button>
          </footer>
        </>
      )}
    </aside>
  );
}

/** In the running text, a character stands once: where its first token is. */
function textOf({ text, id, character }: TokenRow): string {
  return character
    ? character.part === 0
      ? character.text
      : ''
    : (text ?? `${id} `);
}

function LayerRow({
  layer,
  row,
  isCurrent,
  choose
}: {
  layer: TokenPageLayer;
  row: number;
  isCurrent: boolean;
  choose: (expert: number | undefined) => void;
}): JSX.Element | null {
  const segments = segmentsOf(layer, row);
  if (!segments) {
    return null;
  }
  const margin = layer.margins[row] ?? NaN;
  const next = layer.next[row] ?? -1;
  return (
    <tr aria-current={isCurrent} onClick={() => choose(segments[0]?.expert)}>
      <th scope="row">{layerName(layer).replace(/^layer /, '')}</th>
      <td>
        {segments
          .map(({ expert, weight }) =>
            weight === undefined ? `${expert}` : `${expert} ${decimals(weight)}`
          )
          .join('   ')}
      </td>
      <td>{next < 0 ? '–' : next}</td>
      <td className={margin < layer.nearMiss ? 'moe-mod-close' : ''}>
        {decimals(margin)}
      </td>
    </tr>
  );
}
