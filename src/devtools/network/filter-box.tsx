import { FILTER_NAMES, expertText, parseFilter } from 'moe-debugger/protocol';
import { useId, useState } from 'react';
import { OWN_KEYS, useSignal } from '../../drawing';
import type { IViewProps } from '../context';

/** The filter, what is wrong with it, and filters at a click. */
export function FilterBox({ context }: IViewProps): JSX.Element {
  const { network, selection, source, trans } = context;
  useSignal(network.changed);
  useSignal(selection.changed);
  const [isFocused, setFocused] = useState(false);
  const id = useId();
  const { filter } = network;
  const { terms, problems } = parseFilter(filter);
  // What the page finds wrong is said at once; what the trace lacks comes with the answer.
  const wrong = problems.length > 0 ? problems : network.problems;
  // While a term is being typed it is not wrong yet.
  const said = wrong.filter(
    ({ at, length }) => !isFocused || at + length < filter.length
  );
  const { layerIndex, expert } = selection.current;
  const router = source.outline?.routers[layerIndex];
  const quick = [
    { label: trans.__('All'), filter: '' },
    ...(source.outline?.known.logits && network.layers.length > 0
      ? [
          {
            label: trans.__('Near misses'),
            filter: `margin<${Math.min(...network.layers.map(({ nearMiss }) => nearMiss))}`
          }
        ]
      : []),
    ...(router && expert !== undefined
      ? [
          {
            label: trans.__('This expert'),
            filter: `expert:${expertText({ ...router, expert })}`
          }
        ]
      : [])
  ];
  return (
    <div className="moe-FilterBox">
      <div className="moe-FilterBox-field">
        <input
          {...OWN_KEYS}
          type="search"
          value={filter}
          list={`${id}-names`}
          spellCheck={false}
          aria-label={trans.__('Filter tokens')}
          aria-invalid={said.length > 0}
          aria-describedby={`${id}-problems`}
          placeholder={trans.__(
            'Filter: expert:2:5  text:"der"  domain:german  margin<0.1'
          )}
          onFocus={() => setFocused(true)}
          onBlur={() => setFocused(false)}
          onChange={event => {
            network.filter = event.target.value;
          }}
        />
        <datalist id={`${id}-names`}>
          {FILTER_NAMES.map(name => (
            <option
              key={name}
              value={`${terms.length > 0 ? `${filter.replace(/\S*$/, '')}` : ''}${name}:`}
            />
          ))}
        </datalist>
      </div>
      <div
        className="moe-FilterBox-quick"
        role="group"
        aria-label={trans.__('Quick filters')}
      >
        {quick.map(own => (
          <button
            key={own.label}
            {...OWN_KEYS}
            className="moe-TextButton"
            aria-pressed={own.filter === filter.trim()}
            onClick={() => {
              network.filter = own.filter;
            }}
          >
            {own.label}
          </button>
        ))}
      </div>
      <div
        id={`${id}-problems`}
        className="moe-FilterBox-problems"
        role="status"
      >
        {said.length > 0 && (
          <ul>
            {said.map(({ at, length, message }) => (
              <li key={at}>
                <code>{filter.slice(at, at + length)}</code> {message}
              </li>
            ))}
          </ul>
        )}
      </div>
    </div>
  );
}
