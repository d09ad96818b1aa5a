import {
  expertText,
  layerName,
  type ExpertElement,
  type ModelElement,
  type OutlineRouter,
  type WeightElement
} from 'moe-debugger/protocol';
import { useEffect, useState } from 'react';
import { OWN_KEYS } from '../../drawing';
import type { ITranslation } from '../../translation';
import { showTokens, type IViewContext } from '../context';
import { COLORED_DOMAINS, leanOf } from '../lean';
import { decimals, percent } from '../words';
import { Histogram, Likeness, Spectrum } from './charts';
import { bytesText, storedText, wholeNumber } from './sizes';

interface IExpertProps {
  context: IViewContext;
  modelId: string | undefined;
  /** The element of all experts of the layer. */
  element: ModelElement;
  expert: number;
  /** In the selected trace. */
  router: OutlineRouter | undefined;
}

/** An expert: what chooses it, what was found of it, and its stored weights. */
export function ExpertDetail(props: IExpertProps): JSX.Element {
  const { context, modelId, element, expert, router } = props;
  const { source, trans } = context;
  const [own, setOwn] = useState<ExpertElement>();
  const [error, setError] = useState<string>();
  const index = element.router;
  useEffect(() => {
    if (modelId === undefined || index === undefined) {
      return;
    }
    let isWanted = true;
    source.expert(modelId, index, expert).then(
      answer => isWanted && setOwn(answer),
      (reason: unknown) =>
        isWanted &&
        setError(reason instanceof Error ? reason.message : String(reason))
    );
    return () => {
      isWanted = false;
    };
  }, [source, modelId, index, expert]);
  const place = element.place!;
  return (
    <>
      <header className="moe-ExpertDetail-head">
        <h2>{trans.__('Expert %1 of %2', expert, layerName(place))}</h2>
        <span>
          {router && (
            <button
              {...OWN_KEYS}
              className="moe-Button"
              disabled={router.counts[expert] === 0}
              onClick={() =>
                showTokens(
                  context,
                  `expert:${expertText({ ...place, expert })}`
                )
              }
            >
              {trans._n(
                'See its %1 token',
                'See its %1 tokens',
                router.counts[expert]
              )}
            </button>
          )}
          <button
            {...OWN_KEYS}
            className="moe-Button"
            onClick={() => context.open('experiments')}
          >
            {trans.__('Switch off')}
          </button>
        </span>
      </header>
      <Findings {...props} />
      <div className="moe-ExpertDetail-grid">
        {router && <Domains {...props} router={router} />}
        <section className="moe-Section">
          <header className="moe-Section-head">
            <h3>{trans.__('What it is made of')}</h3>
          </header>
          <dl className="moe-Facts">
            <dt>{trans.__('parameters')}</dt>
            <dd>{wholeNumber(element.experts?.[expert] ?? 0)}</dd>
            <dt>{trans.__('in the file')}</dt>
            <dd>{bytesText(Math.round(bytesOf(element, expert)))}</dd>
            <dt>{trans.__('stored as')}</dt>
            <dd>{storedText(element.stored, trans)}</dd>
            {own?.weights.map((weight, i) => (
              <WeightFact key={i} weight={weight} trans={trans} />
            ))}
          </dl>
        </section>
        {own?.likeness && (
          <section className="moe-Section">
            <header className="moe-Section-head">
              <h3>{trans.__('Likeness to siblings')}</h3>
              <small>{trans.__('cosine of weights')}</small>
            </header>
            <Likeness likeness={own.likeness} expert={expert} trans={trans} />
          </section>
        )}
        {own?.weights
          .filter(({ shape }) => shape.length > 1)
          .map((weight, i) => (
            <WeightSections key={i} weight={weight} context={context} />
          ))}
      </div>
      {!own && error === undefined && (
        <p className="moe-Message" role="status">
          {trans.__('Reading its weights…')}
        </p>
      )}
      {error !== undefined && (
        <p className="moe-Refusal" role="alert">
          {error}
        </p>
      )}
      {own?.notes.map((note, i) => (
        <p key={i} className="moe-Note">
          {note}
        </p>
      ))}
    </>
  );
}

/** What the diagnosis found of the expert, and which kind of text it leans to. */
function Findings({
  context,
  expert,
  router
}: IExpertProps): JSX.Element | null {
  const { source, trans } = context;
  if (!router) {
    return (
      <p className="moe-Note">
        {trans.__('No trace of this layer is selected: its load is unknown.')}
      </p>
    );
  }
  const found = (source.findings?.found.findings ?? []).filter(
    own => layerName(own) === layerName(router) && own.experts.includes(expert)
  );
  const share = router.tokens > 0 ? router.counts[expert] / router.tokens : 0;
  return (
    <>
      <p>
        {trans.__(
          '%1 of %2 tokens choose it; an even share is %3.',
          percent(share),
          router.tokens.toLocaleString('en'),
          percent(router.topK / router.experts)
        )}
      </p>
      {found.length > 0 ? (
        <ul className="moe-ExpertDetail-findings">
          {found.map((own, i) => (
            <li key={i}>
              <bdi>{own.message}</bdi>
            </li>
          ))}
        </ul>
      ) : (
        <p className="moe-Note">
          {source.findings
            ? trans.__('The diagnosis of this trace found nothing of it.')
            : trans.__('This trace was not diagnosed.')}
        </p>
      )}
    </>
  );
}

/** The share of each domain's tokens that choose the expert. */
function Domains({
  context,
  expert,
  router
}: IExpertProps & { router: OutlineRouter }): JSX.Element | null {
  const { source, trans } = context;
  const domains = source.outline?.domains ?? [];
  if (domains.length < 2) {
    return null;
  }
  const even = router.topK / router.experts;
  const lean = leanOf(router, expert);
  return (
    <section className="moe-Section">
      <header className="moe-Section-head">
        <h3>{trans.__('Load by domain')}</h3>
        <small>{trans.__('share of tokens')}</small>
      </header>
      <table className="moe-Shares">
        <tbody>
          {domains.map((domain, d) => {
            const tokens = router.domainTokens[d];
            const rate =
              router.domainCounts[d * router.experts + expert] /
              Math.max(1, tokens);
            return (
              <tr key={domain}>
                <th scope="row">
                  <bdi>{domain}</bdi>
                </th>
                <td>
                  <i
                    aria-hidden
                    className={
                      lean?.domain === d && d < COLORED_DOMAINS
                        ? `moe-Class-${d}`
                        : ''
                    }
                    style={{ width: `${100 * rate}%` }}
                  />
                  <b aria-hidden style={{ left: `${100 * even}%` }} />
                </td>
                <td>{tokens > 0 ? percent(rate) : '–'}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <p className="moe-Note">
        {trans.__('dashed: even share, %1', percent(even))}
      </p>
    </section>
  );
}

/** By its share of the parameters: experts of a layer are stored alike. */
function bytesOf(
  { bytes, parameters, experts }: ModelElement,
  expert: number
): number {
  return (bytes * (experts?.[expert] ?? 0)) / Math.max(1, parameters);
}

function WeightFact({
  weight,
  trans
}: {
  weight: WeightElement;
  trans: ITranslation;
}): JSX.Element {
  const { role, tensor, shape, norm, nonFinite } = weight;
  return (
    <>
      <dt title={tensor}>
        <bdi>{role ?? tensor}</bdi>
      </dt>
      <dd>
        {shape.join(' × ')}, ‖·‖ {decimals(norm)}
        {nonFinite > 0 && `, ${trans.__('%1 NaN or ∞', nonFinite)}`}
      </dd>
    </>
  );
}

function WeightSections({
  weight,
  context: { trans }
}: {
  weight: WeightElement;
  context: IViewContext;
}): JSX.Element {
  const name = weight.role ?? weight.tensor;
  return (
    <>
      <section className="moe-Section">
        <header className="moe-Section-head">
          <h3>{trans.__('Weights of %1', name)}</h3>
          <small>{trans.__('count by value')}</small>
        </header>
        <Histogram weight={weight} trans={trans} />
        <p className="moe-Note">
          {trans.__(
            'mean %1, standard deviation %2, %3 of %4 are zero',
            decimals(weight.mean, 4),
            decimals(weight.deviation, 4),
            wholeNumber(weight.zeros),
            wholeNumber(weight.elements)
          )}
        </p>
      </section>
      {(weight.spectrum !== null || weight.note !== undefined) && (
        <section className="moe-Section">
          <header className="moe-Section-head">
            <h3>{trans.__('Spectrum of %1', name)}</h3>
            <small>{trans.__('singular values, log')}</small>
          </header>
          <Spectrum weight={weight} trans={trans} />
          <p className="moe-Note">
            {weight.note ??
              trans.__(
                'effective rank %1 of %2',
                decimals(weight.effectiveRank ?? NaN, 1),
                weight.spectrum?.length ?? 0
              )}
          </p>
        </section>
      )}
    </>
  );
}
