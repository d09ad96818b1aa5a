import {
  layerName,
  type OutlineRouter,
  type TraceOutline
} from 'moe-debugger/protocol';
import type { CSSProperties } from 'react';
import { type IViewContext } from '../context';
import { COLORED_DOMAINS } from '../lean';
import { Ramp } from '../ramp';
import { percent } from '../words';
import { WideLoads } from './wide-loads';

/** Beyond these, experts are too many for a column of their own. */
const MOST_EXPERTS = 16;
const MOST_LAYERS = 8;
const MOST_DOMAINS = 12;

/** Loads of all experts, over all text and by domain: a column is an expert. */
export function Loads({
  context,
  outline
}: {
  context: IViewContext;
  outline: TraceOutline;
}): JSX.Element {
  const { trans } = context;
  const { routers, domains } = outline;
  const isWide =
    routers.length > MOST_LAYERS ||
    routers.some(({ experts }) => experts > MOST_EXPERTS);
  const hasDomains = domains.length > 1;
  return (
    <section className="moe-Section">
      <header className="moe-Section-head">
        <h3>
          {hasDomains ? trans.__('Load and domains') : trans.__('Load')}
          <small>
            {isWide
              ? trans.__('a row is a layer, a column an expert')
              : trans.__('a column is an expert')}
          </small>
        </h3>
        {isWide ? (
          <Ramp
            label={trans.__('share of tokens')}
            low={percent(0)}
            high={trans.__('largest of the layer')}
          />
        ) : (
          <Ramp
            label={trans.__('share of tokens')}
            low={percent(0)}
            high={percent(1)}
          />
        )}
      </header>
      {isWide ? (
        <WideLoads context={context} routers={routers} />
      ) : (
        <div className="moe-Loads">
          {hasDomains && (
            <div className="moe-Loads-domains" aria-hidden>
              <span className="moe-Loads-all">{trans.__('all text')}</span>
              {domains.slice(0, MOST_DOMAINS).map((domain, d) => (
                <span key={domain} className="moe-Loads-domain" title={domain}>
                  <i
                    className={`moe-Swatch${d < COLORED_DOMAINS ? ` moe-Class-${d}` : ''}`}
                  />
                  <bdi>{domain}</bdi>
                </span>
              ))}
            </div>
          )}
          {routers.map((router, layerIndex) => (
            <LayerLoads
              key={layerName(router)}
              context={context}
              router={router}
              layerIndex={layerIndex}
              domains={hasDomains ? domains.slice(0, MOST_DOMAINS) : []}
            />
          ))}
        </div>
      )}
      {domains.length > MOST_DOMAINS && !isWide && (
        <p className="moe-Message">
          {trans.__(
            '%1 of %2 domains are shown.',
            MOST_DOMAINS,
            domains.length
          )}
        </p>
      )}
    </section>
  );
}

function LayerLoads({
  context,
  router,
  layerIndex,
  domains
}: {
  context: IViewContext;
  router: OutlineRouter;
  layerIndex: number;
  domains: readonly string[];
}): JSX.Element {
  const { selection, trans } = context;
  const { experts, topK, tokens, counts, domainTokens, domainCounts, balance } =
    router;
  const { current } = selection;
  const isCurrent = current.layerIndex === layerIndex;
  const even = topK / experts;
  return (
    <div className="moe-LayerLoads">
      <header>
        <strong className={isCurrent ? 'moe-mod-current' : ''}>
          {layerName(router)}
        </strong>
        <span title={trans.__('Jain’s index of the loads: 1 is even')}>
          {balance === null ? '' : trans.__('balance %1', balance.toFixed(2))}
        </span>
      </header>
      <div
        className="moe-LayerLoads-columns"
        role="group"
        aria-label={trans.__('Experts of %1', layerName(router))}
        style={{ '--moe-even-share': even } as CSSProperties}
      >
        {Array.from({ length: experts }, (_, expert) => {
          const rate = tokens > 0 ? counts[expert] / tokens : 0;
          const rates = domains.map((_, d) =>
            domainTokens[d] > 0
              ? domainCounts[d * experts + expert] / domainTokens[d]
              : null
          );
          const isSelected = isCurrent && current.expert === expert;
          return (
            <button
              key={expert}
              className="moe-ExpertColumn"
              aria-pressed={isSelected}
              aria-label={describe(
                context,
                router,
                expert,
                rate,
                rates,
                domains
              )}
              title={describe(context, router, expert, rate, rates, domains)}
              onClick={() =>
                selection.set({ layerIndex, expert, token: undefined })
              }
            >
              <span className="moe-ExpertColumn-bar">
                <i style={{ height: percentOf(Math.min(1, rate)) }} />
              </span>
              {rates.map((share, d) => (
                <span
                  key={d}
                  className="moe-ExpertColumn-cell"
                  style={
                    share === null
                      ? undefined
                      : ({ '--moe-share': share } as CSSProperties)
                  }
                  data-moe-step={share === null ? undefined : rampStep(share)}
                />
              ))}
              <span className="moe-ExpertColumn-name">{expert}</span>
            </button>
          );
        })}
      </div>
    </div>
  );
}

/** One line for the tooltip and for screen readers. */
function describe(
  { trans }: IViewContext,
  router: OutlineRouter,
  expert: number,
  rate: number,
  rates: readonly (number | null)[],
  domains: readonly string[]
): string {
  return [
    trans.__('%1, expert %2', layerName(router), expert),
    trans.__('%1 of all tokens', percent(rate)),
    ...rates.flatMap((share, d) =>
      share === null ? [] : [trans.__('%1 of %2', percent(share), domains[d])]
    )
  ].join(', ');
}

/** 0 for none, then five steps of the ramp. */
function rampStep(share: number): number {
  return share <= 0 ? 0 : Math.min(5, 1 + Math.floor(share * 5));
}

function percentOf(share: number): string {
  return `${(share * 100).toFixed(2)}%`;
}
