import { useEffect } from 'react';
import { useSignal } from '../../drawing';
import type { IViewProps } from '../context';
import { EmptyView } from '../empty-view';
import { COLORED_DOMAINS } from '../lean';
import { TokenDetail } from './detail';
import { FilterBox } from './filter-box';
import { SaveTokens } from './save-buttons';
import { TokenTable } from './table';

/** The tokens of a trace with the experts that each chose, filtered and sorted, and one of them in detail. */
export function Network({ context, isShown = true }: IViewProps): JSX.Element {
  const { source, network, selection, trans } = context;
  useSignal(source.changed);
  useSignal(network.changed);
  useSignal(selection.changed);
  useEffect(() => {
    network.isShown = isShown;
  }, [network, isShown]);
  const { outline } = source;
  if (!outline) {
    return <EmptyView context={context} />;
  }
  return (
    <div className="moe-Network">
      <FilterBox context={context} />
      <div className="moe-Network-body">
        <div className="moe-Network-list">
          {network.error !== undefined && (
            <p className="moe-Message" role="alert">
              {trans.__('The tokens cannot be listed: %1', network.error)}
            </p>
          )}
          <TokenTable context={context} />
          <p className="moe-Network-legend">
            {network.matches !== undefined && (
              <span role="status">
                {trans.__(
                  '%1 of %2 tokens',
                  network.matches.toLocaleString('en'),
                  (network.total ?? 0).toLocaleString('en')
                )}
              </span>
            )}
            <span>
              {outline.known.weights
                ? trans.__('a segment is an expert, its width the weight')
                : trans.__('a segment is an expert; weights were not recorded')}
            </span>
            {outline.domains.length > 1 && (
              <>
                <span>{trans.__('colour: the text it leans to')}</span>
                {outline.domains.slice(0, COLORED_DOMAINS).map((domain, d) => (
                  <span key={domain}>
                    <i className={`moe-Swatch moe-Class-${d}`} />
                    <bdi>{domain}</bdi>
                  </span>
                ))}
                <span>
                  {trans.__('pale: 1.8 × the mean rate, full: 2.5 ×')}
                </span>
              </>
            )}
            {outline.known.logits && (
              <span>
                <i className="moe-CloseMark" />
                {trans.__('near miss')}
              </span>
            )}
            <SaveTokens context={context} />
          </p>
        </div>
        {selection.current.token !== undefined && (
          <TokenDetail context={context} />
        )}
      </div>
    </div>
  );
}
