import { expertText, layerName } from 'moe-debugger/protocol';
import { showTokens, type IViewProps } from '../../devtools/context';
import { EmptyView } from '../../devtools/empty-view';
import { useSignal } from '../../drawing';

/** The busiest expert of each layer. A click lists its tokens. */
export function Busiest({ context }: IViewProps): JSX.Element {
  const { source, trans } = context;
  useSignal(source.changed);
  return source.outline ? (
    <ul className="moe-List" aria-label={trans.__('Busiest experts')}>
      {source.outline.routers.map(router => {
        const expert = router.counts.indexOf(Math.max(...router.counts));
        return (
          <li key={layerName(router)}>
            <button
              className="moe-List-item"
              onClick={() =>
                showTokens(
                  context,
                  `expert:${expertText({ ...router, expert })}`
                )
              }
            >
              {trans.__('%1, expert %2', layerName(router), expert)}
            </button>
          </li>
        );
      })}
    </ul>
  ) : (
    <EmptyView context={context} />
  );
}
