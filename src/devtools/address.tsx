import { layerName } from 'moe-debugger/protocol';
import { OWN_KEYS, useSignal } from '../drawing';
import type { IViewProps } from './context';
import { shownText } from './token-text';

/** Where the workbench is: model, trace, sample, layer, token and expert, with the way back. */
export function Address({ context }: IViewProps): JSX.Element {
  const { source, selection, network, trans } = context;
  useSignal(source.changed);
  useSignal(selection.changed);
  useSignal(network.changed);
  const { outline, trace } = source;
  const { sample, layerIndex, token, expert } = selection.current;
  const router = outline?.routers[layerIndex];
  const listed = token === undefined ? undefined : network.indexOf(token);
  const row = listed === undefined ? undefined : network.at(listed)?.token;
  const parts: { name: string; value: string; up: () => void }[] = [
    ...(trace
      ? [
          {
            name: trans.__('model'),
            value: trace.model,
            up: () => context.open('overview')
          },
          {
            name: trans.__('trace'),
            value: trace.label,
            up: () => {
              selection.set({
                sample: undefined,
                token: undefined,
                expert: undefined
              });
              context.open('overview');
            }
          }
        ]
      : []),
    ...(sample === undefined
      ? []
      : [
          {
            name: trans.__('sample'),
            value: outline?.samples[sample]?.id ?? String(sample),
            up: () => selection.set({ token: undefined, expert: undefined })
          }
        ]),
    ...(router
      ? [
          {
            name: '',
            value: layerName(router),
            up: () => selection.set({ token: undefined, expert: undefined })
          }
        ]
      : []),
    ...(token === undefined
      ? []
      : [
          {
            name: trans.__('token'),
            value: row ? `${row.position} ${shownText(row)}` : String(token),
            up: () => context.open('network')
          }
        ]),
    ...(expert === undefined
      ? []
      : [
          {
            name: trans.__('expert'),
            value: String(expert),
            up: () => context.open('network')
          }
        ])
  ];
  return (
    <nav className="moe-Address" aria-label={trans.__('Selection')}>
      <button
        {...OWN_KEYS}
        className="moe-TextButton"
        aria-label={trans.__('Back')}
        title={trans.__('Back (Alt+Left)')}
        disabled={!selection.canGoBack}
        onClick={() => selection.back()}
      >
        ‹
      </button>
      <button
        {...OWN_KEYS}
        className="moe-TextButton"
        aria-label={trans.__('Forward')}
        title={trans.__('Forward (Alt+Right)')}
        disabled={!selection.canGoForward}
        onClick={() => selection.forward()}
      >
        ›
      </button>
      <ol>
        {parts.map(({ name, value, up }, i) => (
          <li key={name || i}>
            <button
              {...OWN_KEYS}
              onClick={up}
              aria-current={i === parts.length - 1 ? 'location' : undefined}
            >
              {name && <span>{name}</span>} <bdi>{value}</bdi>
            </button>
          </li>
        ))}
      </ol>
    </nav>
  );
}
