import { rankOf, tokenText } from 'moe-debugger/charts';
import { useState } from 'react';
import type { IPaneOptions } from './pane-options';
import { OWN_KEYS, useSignal } from '../drawing';
import { formatValue } from './reading';

/** Rows per page: the layout of all tokens of a long prompt takes seconds. */
const PAGE = 100;

/** The heatmap's values as a table: the selected experts by rank, or the probabilities of all experts. */
export function RoutingTable(props: IPaneOptions): JSX.Element | null {
  const { model } = props;
  useSignal(model.changed);
  return model.display === 'table' ? <Table {...props} /> : null;
}

function Table(props: IPaneOptions): JSX.Element {
  const { model, pane, trans } = props;
  const [page, setPage] = useState(0);
  const tokens = model.tokens(pane);
  const pages = Math.max(1, Math.ceil(tokens.length / PAGE));
  const start = Math.min(page, pages - 1) * PAGE;
  const end = Math.min(start + PAGE, tokens.length);
  return (
    <>
      <div
        className="moe-RoutingTable-scroll"
        {...OWN_KEYS}
        tabIndex={0}
        role="region"
        aria-label={trans.__('Routing table')}
      >
        <table>
          <thead>
            <tr>
              <th scope="col">{trans.__('position')}</th>
              <th scope="col">{trans.__('token')}</th>
              <Head {...props} />
            </tr>
          </thead>
          <tbody>
            {tokens.slice(start, end).map((token, i) => (
              <tr key={start + i}>
                <td>{token.position}</td>
                <th scope="row">{tokenText(token).slice(0, 60)}</th>
                <Cells {...props} token={start + i} />
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {pages > 1 && (
        <div className="moe-RoutingTable-pages">
          <button
            {...OWN_KEYS}
            className="moe-Button"
            disabled={start === 0}
            onClick={() => setPage(start / PAGE - 1)}
          >
            {trans.__('Previous')}
          </button>
          <span>
            {trans.__('tokens %1–%2 of %3', start, end - 1, tokens.length)}
          </span>
          <button
            {...OWN_KEYS}
            className="moe-Button"
            disabled={end === tokens.length}
            onClick={() => setPage(start / PAGE + 1)}
          >
            {trans.__('Next')}
          </button>
        </div>
      )}
    </>
  );
}

function Head({ model, pane, trans }: IPaneOptions): JSX.Element {
  const layer = model.layer(pane);
  if (model.measure === 'probability') {
    return (
      <>
        {range(layer?.experts ?? 0).map(expert => (
          <th key={expert} scope="col">
            {trans.__('expert %1', expert)}
          </th>
        ))}
      </>
    );
  }
  return (
    <>
      {range(layer?.topK ?? 0).flatMap(rank => [
        <th key={`expert ${rank}`} scope="col">
          {trans.__('expert, rank %1', rank + 1)}
        </th>,
        <th key={`weight ${rank}`} scope="col">
          {trans.__('weight, rank %1', rank + 1)}
        </th>
      ])}
    </>
  );
}

function Cells({
  model,
  pane,
  token
}: IPaneOptions & { token: number }): JSX.Element {
  const layer = model.layer(pane);
  if (!layer) {
    return <></>;
  }
  const { experts, topK } = layer;
  const selected = layer.selected.subarray(token * topK, (token + 1) * topK);
  if (model.measure === 'probability') {
    const values = model.values(pane);
    return (
      <>
        {range(experts).map(expert => (
          <td
            key={expert}
            className={selected.includes(expert) ? 'moe-mod-selected' : ''}
          >
            {formatValue(values[token * experts + expert])}
          </td>
        ))}
      </>
    );
  }
  const weights = layer.weights.subarray(token * topK, (token + 1) * topK);
  const slots = range(topK).sort(
    (a, b) => rankOf(weights, a) - rankOf(weights, b)
  );
  return (
    <>
      {slots.flatMap(slot => [
        <td key={`expert ${slot}`}>
          {selected[slot] < 0 ? '–' : selected[slot]}
        </td>,
        <td key={`weight ${slot}`}>
          {selected[slot] < 0 || weights.length === 0
            ? '–'
            : formatValue(weights[slot])}
        </td>
      ])}
    </>
  );
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
