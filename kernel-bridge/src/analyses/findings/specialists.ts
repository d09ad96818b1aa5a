/** Findings of experts that are specialised in a token type, its context, a domain or a position. */
import { cited, type RouterTally } from '../../measures';
import { counted } from '../../base/protocol';
import {
  ShownAssociations,
  type Association,
  type Associations
} from './associations';
import { taken, undecidedText } from './between-texts';
import { placeOf, type Finding, type TokenEvidence } from './finding';
import type { Verdicts } from './load';
import type { Thresholds } from './thresholds';
import { topTokens } from './top-tokens';
import type { TraceEvidence } from './trace-evidence';

/**
 * Strong specialists, one finding each: of its tokens' type, context or position, and of domain, which are told apart since
 * one expert may have both; partial ones together, one finding a layer. Of domains without a strong one, the expert that
 * may be is undecided. `analyze` takes its roles from the same associations.
 */
export function specialistExperts(
  evidence: TraceEvidence,
  { found }: Associations,
  thresholds: Thresholds
): Verdicts {
  const shown = new ShownAssociations(found);
  return {
    findings: evidence.tally.routers.flatMap(router => {
      const best = Array.from(router.counts, (_, expert) =>
        shown.of(router, expert)
      );
      const strong = best.flatMap(own =>
        [true, false].flatMap(
          isDomain =>
            own.find(
              ({ degree, category }) =>
                degree === 'strong' && (category === 'domain') === isDomain
            ) ?? []
        )
      );
      const partial = best.flatMap(([first]) =>
        first?.degree === 'partial' ? [first] : []
      );
      const tokens =
        strong.length === 0 ? [] : topTokens(evidence, router, TOP_TOKENS);
      return [
        ...strong.map(item =>
          specialist(item, tokens[item.expert], thresholds.specialist_threshold)
        ),
        ...partialSpecialists(
          router,
          partial,
          thresholds.partial_specialist_threshold
        )
      ];
    }),
    undecided: undecidedDomains(found, thresholds.specialist_threshold)
  };
}

function undecidedDomains(
  found: readonly Association[],
  threshold: number
): Verdicts['undecided'] {
  const strong = found.filter(
    ({ category, degree }) => category === 'domain' && degree === 'strong'
  );
  const decided = new Set(
    strong
      .filter(({ shownBy }) => shownBy !== 'undecided')
      .map(({ className }) => className)
  );
  const unsure = new Map<string, Association>();
  for (const item of strong) {
    const { className, value, lift } = item;
    const known = unsure.get(className);
    if (
      !decided.has(className) &&
      (!known ||
        value > known.value ||
        (value === known.value && lift > known.lift))
    ) {
      unsure.set(className, item);
    }
  }
  return [...unsure.values()].map(item => ({
    kind: 'specialist-expert' as const,
    ...placeOf(item.router.router),
    experts: [item.expert],
    value: item.value,
    threshold,
    reason: `cannot tell yet: expert ${item.expert} ${undecidedText(item.domain!)}`
  }));
}

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

const TOP_TOKENS = 12;

function specialist(
  found: Association,
  tokens: TokenEvidence[],
  threshold: number
): Finding {
  const { router, expert, category, className, domain, shownBy } = found;
  return {
    kind: 'specialist-expert',
    severity: 'info',
    ...placeOf(router.router),
    experts: [expert],
    ...cited(
      found.metric,
      domain === undefined
        ? WITHIN_TEXTS
        : shownBy === 'texts'
          ? BETWEEN_TEXTS
          : 'at least twice the rate of any other text, at 95 %'
    ),
    value: found.value,
    threshold,
    message:
      domain === undefined
        ? `${percent(found.slotShareOfExpert)} of what selects expert ${expert} is ${category} "${className}", against ${percent(found.tokenShareOfClass)} by chance; ${percent(found.classTokenRate)} of such tokens select it`
        : `expert ${expert} ${taken(domain)}${shownBy === 'one text' ? `; whether the domain or only this text, ${counted(domain.textsNeeded, 'text')} of it may tell` : ''}`,
    evidence: {
      ...effectSize(found),
      units: found.units,
      ...(domain
        ? {
            texts: domain.texts,
            classTokenRateInterval: [
              domain.rateInterval.low,
              domain.rateInterval.high
            ],
            shownBy
          }
        : {}),
      tokens
    },
    suggestions: [
      {
        action: 'inspect',
        text: `ablate expert ${expert} on text of this kind and on other text to see what it does`
      }
    ]
  };
}

const WITHIN_TEXTS =
  'p by a likelihood ratio with the design effect of groups of texts and by a rank-sum test of labels permuted over tokens, corrected after Benjamini and Hochberg';
const BETWEEN_TEXTS =
  'p by the largest statistic of all experts with domains permuted over texts (Westfall and Young), corrected for domains after Benjamini and Hochberg';

function effectSize(found: Association): Record<string, unknown> {
  const { category, className, shownBy, liftInterval } = found;
  return {
    category,
    class: className,
    slotShareOfExpert: found.slotShareOfExpert,
    tokenShareOfClass: found.tokenShareOfClass,
    classTokenRate: found.classTokenRate,
    otherTokenRate: found.otherTokenRate,
    lift: found.lift,
    ...(liftInterval
      ? { liftInterval: [liftInterval.low, liftInterval.high] }
      : {}),
    ...(shownBy === 'one text' ? {} : { correctedP: found.correctedP })
  };
}

/** Experts whose effects are listed; the others are named. */
const LISTED = 16;

function partialSpecialists(
  router: RouterTally,
  found: readonly Association[],
  threshold: number
): Finding[] {
  if (found.length === 0) {
    return [];
  }
  const ratio = ({ classTokenRate, otherTokenRate }: Association): number =>
    classTokenRate / otherTokenRate;
  const largest = [...found].sort((a, b) => ratio(b) - ratio(a));
  const named = largest
    .slice(0, 3)
    .map(
      item =>
        `expert ${item.expert} of ${item.category} "${item.className}" (${percent(item.classTokenRate)} of it, ${percent(item.otherTokenRate)} of others)`
    );
  const more = found.length - named.length;
  return [
    {
      kind: 'partial-specialist',
      severity: 'info',
      ...placeOf(router.router),
      experts: found.map(({ expert }) => expert),
      ...cited(
        'rateRatio',
        found.some(({ category }) => category === 'domain')
          ? BETWEEN_TEXTS
          : WITHIN_TEXTS
      ),
      value: Number.isFinite(ratio(largest[0])) ? ratio(largest[0]) : null,
      threshold,
      message: `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}: selected more by a class of tokens, which is not most of their work`,
      evidence: {
        units: found[0].units,
        effects: largest
          .slice(0, LISTED)
          .map(item => ({ expert: item.expert, ...effectSize(item) }))
      },
      suggestions: []
    }
  ];
}
