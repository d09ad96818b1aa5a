import { tokenLabel } from 'moe-debugger/charts';
import { layerName } from 'moe-debugger/protocol';
import { OWN_KEYS } from '../../drawing';
import { signedFigure } from '../figure-text';
import type { IAttributionProps } from './props';

const LISTED = 12;

interface IBar {
  name: string;
  title?: string;
  value: number;
}

/** Attribution of layers and experts, as bars to both sides of zero. */
export function Credit({
  model,
  trans
}: IAttributionProps): JSX.Element | null {
  const { layers = [], experts = [], tokens } = model.state.attribution!;
  if (layers.length === 0 && experts.length === 0) {
    return null;
  }
  const text = (position: number): string =>
    tokens[position] ? tokenLabel(tokens[position]) : '';
  return (
    <details className="moe-Disclosure" open>
      <summary {...OWN_KEYS}>
        {trans.__('Credit of layers and experts')}
      </summary>
      <div className="moe-Credit">
        <Bars
          label={trans.__('Credit of layers')}
          note={trans.__('gradient × layer output')}
          bars={layers.map(own => ({
            name: layerName(own),
            value: own.attribution
          }))}
        />
        <Bars
          label={trans.__('Credit of experts')}
          note={
            experts.length > LISTED
              ? trans.__(
                  'gradient × expert output; the %1 strongest of %2',
                  LISTED,
                  experts.length
                )
              : trans.__('gradient × expert output')
          }
          bars={[...experts]
            .sort((a, b) => Math.abs(b.attribution) - Math.abs(a.attribution))
            .slice(0, LISTED)
            .map(own => ({
              name: trans.__(
                '%1 expert %2, token %3 %4',
                layerName(own),
                own.expert,
                own.position,
                text(own.position)
              ),
              title: trans.__('weight %1', own.weight.toFixed(3)),
              value: own.attribution
            }))}
        />
      </div>
    </details>
  );
}

function Bars(props: {
  label: string;
  note: string;
  bars: readonly IBar[];
}): JSX.Element | null {
  const { label, note, bars } = props;
  const peak = bars.reduce(
    (most, { value }) => Math.max(most, Math.abs(value)),
    0
  );
  return bars.length === 0 ? null : (
    <div className="moe-Credit-side">
      <p className="moe-Credit-note">{note}</p>
      <div className="moe-Credit-scroll" tabIndex={0} {...OWN_KEYS}>
        <table aria-label={label}>
          <tbody>
            {bars.map(({ name, title, value }, i) => (
              <tr key={i} title={title}>
                <th scope="row">{name}</th>
                <td className="moe-Credit-bar">
                  <span
                    className={value < 0 ? 'moe-mod-negative' : undefined}
                    style={{
                      width: `${peak === 0 ? 0 : (50 * Math.abs(value)) / peak}%`
                    }}
                  />
                </td>
                <td className="moe-mod-number">{signedFigure(value)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
