import type { ModelElement } from 'moe-debugger/protocol';
import type { IViewContext } from '../context';
import { percent } from '../words';
import { bytesText, storedText, wholeNumber } from './sizes';

/** A part of a model that is no expert: its size, what is known of it, and what it consists of. */
export function PartDetail({
  context,
  element
}: {
  context: IViewContext;
  element: ModelElement;
}): JSX.Element {
  const { trans } = context;
  const { name, parameters, bytes, stored, facts, children, experts } = element;
  return (
    <>
      <h2>{name}</h2>
      <dl className="moe-Facts">
        <dt>{trans.__('parameters')}</dt>
        <dd>{wholeNumber(parameters)}</dd>
        <dt>{trans.__('in the file')}</dt>
        <dd>{bytesText(bytes)}</dd>
        {stored.length > 0 && (
          <>
            <dt>{trans.__('stored as')}</dt>
            <dd>{storedText(stored, trans)}</dd>
          </>
        )}
        {experts && experts.length > 0 && (
          <>
            <dt>{trans.__('parameters of each')}</dt>
            <dd>
              {[...new Set(experts)].map(wholeNumber).slice(0, 4).join(', ')}
            </dd>
          </>
        )}
        {facts.map(([fact, value], i) => (
          <Fact key={i} name={fact} value={value} />
        ))}
      </dl>
      {children.length > 0 && (
        <section className="moe-Section">
          <header className="moe-Section-head">
            <h3>{trans.__('Parts')}</h3>
            <small>{trans.__('share of the parameters')}</small>
          </header>
          <table className="moe-Shares">
            <tbody>
              {children.map((child, i) => (
                <tr key={i}>
                  <th scope="row">{child.name}</th>
                  <td>
                    <i
                      aria-hidden
                      style={{
                        width: `${(100 * child.parameters) / Math.max(1, parameters)}%`
                      }}
                    />
                  </td>
                  <td>{percent(child.parameters / Math.max(1, parameters))}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </>
  );
}

function Fact({ name, value }: { name: string; value: string }): JSX.Element {
  return (
    <>
      <dt>{name}</dt>
      <dd>
        <bdi>{value}</bdi>
      </dd>
    </>
  );
}
