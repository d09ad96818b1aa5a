import type { ITranslation } from '../translation';
import { tokenText } from 'moe-debugger/charts';
import {
  layerName,
  NO_TOKEN_ID,
  type Finding,
  type TokenEvidence
} from 'moe-debugger/protocol';
import { OWN_KEYS } from '../drawing';
import type { IFindingsProps } from './props';
import { measureText, valueText } from './words';

/** Maximum rows of evidence, and values per row. */
const MAX_ROWS = 16;

/** The evidence of a finding: tokens, formula, figures and suggestions. */
export function FindingEvidence(
  props: IFindingsProps & { finding: Finding }
): JSX.Element {
  const { finding, trans, showLayer } = props;
  const { tokens, ...figures } = finding.evidence;
  return (
    <div className="moe-Finding-evidence">
      {tokens && tokens.length > 0 && <Tokens tokens={tokens} trans={trans} />}
      {finding.suggestions.length > 0 && (
        <section>
          <h5>{trans.__('Suggestions')}</h5>
          <ul className="moe-Finding-suggestions">
            {finding.suggestions.map(({ text }, i) => (
              <li key={i}>{text}</li>
            ))}
          </ul>
        </section>
      )}
      <section>
        <h5>{trans.__('Formula')}</h5>
        <p>
          <em>{measureText(finding.metric)}</em>: {finding.formula}
        </p>
      </section>
      <Figures figures={figures} trans={trans} />
      {showLayer && (
        <button
          {...OWN_KEYS}
          className="moe-Button"
          onClick={() => showLayer(finding)}
        >
          {trans.__('Show %1 above', layerName(finding))}
        </button>
      )}
    </div>
  );
}

function Tokens(props: {
  tokens: readonly TokenEvidence[];
  trans: ITranslation;
}): JSX.Element {
  const { tokens, trans } = props;
  return (
    <section>
      <h5>{trans.__('Tokens')}</h5>
      <ul className="moe-Finding-tokens" aria-label={trans.__('Tokens')}>
        {tokens.map((token, i) => (
          <li
            key={i}
            title={
              token.id === NO_TOKEN_ID
                ? trans.__(
                    'for example in %1 at position %2',
                    token.sample,
                    token.position
                  )
                : trans.__(
                    'id %1, for example in %2 at position %3',
                    token.id,
                    token.sample,
                    token.position
                  )
            }
          >
            <code>{tokenText(token)}</code>
            {token.count !== undefined && <small>×{token.count}</small>}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Figures(props: {
  figures: Record<string, unknown>;
  trans: ITranslation;
}): JSX.Element | null {
  const { figures, trans } = props;
  const entries = Object.entries(figures).slice(0, MAX_ROWS);
  return entries.length === 0 ? null : (
    <section>
      <h5>{trans.__('Figures')}</h5>
      <dl>
        {entries.map(([name, value]) => (
          <div key={name}>
            <dt>{measureText(name)}</dt>
            <dd>
              {isTable(value) ? <Table rows={value} /> : plainText(value)}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function isTable(value: unknown): value is Record<string, unknown>[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every(
      row => typeof row === 'object' && row !== null && !Array.isArray(row)
    )
  );
}

function Table({ rows }: { rows: Record<string, unknown>[] }): JSX.Element {
  const columns = Object.keys(rows[0]).slice(0, MAX_ROWS);
  const more = rows.length - MAX_ROWS;
  return (
    <table>
      <thead>
        <tr>
          {columns.map(column => (
            <th key={column} scope="col">
              {measureText(column)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.slice(0, MAX_ROWS).map((row, i) => (
          <tr key={i}>
            {columns.map(column => (
              <td key={column}>{plainText(row[column])}</td>
            ))}
          </tr>
        ))}
        {more > 0 && (
          <tr>
            <td colSpan={columns.length}>… +{more}</td>
          </tr>
        )}
      </tbody>
    </table>
  );
}

/** A value as text; nested values are written as JSON. */
function plainText(value: unknown): string {
  if (typeof value === 'number' || value === null) {
    return valueText(value as number | null);
  }
  if (typeof value === 'boolean' || typeof value === 'string') {
    return String(value);
  }
  if (Array.isArray(value)) {
    const rest = value.length - MAX_ROWS;
    return (
      value.slice(0, MAX_ROWS).map(plainText).join(', ') +
      (rest > 0 ? `, … +${rest}` : '')
    );
  }
  return value === undefined ? '' : JSON.stringify(value);
}
