/** Finds experts specialised in a token type, a domain or a position, tested against chance. */
import { binomialTail } from '../../base/statistics/exact-tests';
import { benjaminiHochberg } from '../../base/statistics/multiple-testing';
import { rankSumTest } from '../../base/statistics/rank-test';
import { cited, slotShareOfExpert, type RouterTally } from '../../measures';
import { counted, layerName } from '../../base/protocol';
import { placeOf, type Finding, type TokenEvidence } from './finding';
import type { Verdicts } from './load';
import { domainSpecialists, type DomainSpecialist } from './domain-specialists';
import { POSITION_CLASSES } from './position-counts';
import type { Thresholds } from './thresholds';
import { TOKEN_CLASSES, tokenClasses } from './token-classes';
import type { TraceEvidence } from './trace-evidence';

export type Category = 'token type' | 'domain' | 'position';

/** Association of an expert's selections with a class of tokens. */
export interface Association {
  router: RouterTally;
  expert: number;
  category: Category;
  className: string;
  /** Share of the expert's selections that are of the class. */
  slotShareOfExpert: number;
  /** Share of all tokens that are of the class: the expected share by chance. */
  tokenShareOfClass: number;
  /** Share of the class's tokens that select the expert. */
  classTokenRate: number;
  /** The figure that makes it one, with its value. */
  metric: 'slotShareOfExpert' | 'classTokenRate';
  value: number;
  /** slotShareOfExpert / tokenShareOfClass. */
  lift: number;
  /** Under random permutation of labels over whole units, corrected for all tests. */
  correctedP: number;
  /** The units that labels were permuted over. */
  units: 'token ids' | 'texts' | 'sequences';
  /** Of a domain only. */
  domain?: DomainSpecialist;
}

/** Minimum lift: a share may be large only because the class is. */
const MIN_LIFT = 2;

interface Candidate extends Omit<
  Association,
  'correctedP' | 'lift' | 'metric' | 'value'
> {
  test: () => number;
}

/**
 * All experts with a large share of selections from one class, with corrected p-values. Tests skipped for a small share
 * count as made with p = 1. Domains are tested apart: over texts, of which there are few.
 */
export function associations(
  evidence: TraceEvidence,
  thresholds: Thresholds
): Association[] {
  const minShare = thresholds.specialist_threshold;
  const found: (Omit<Association, 'correctedP'> & { p: number })[] = [];
  let tests = 0;
  const consider = (candidate: Candidate): void => {
    tests++;
    const lift = candidate.slotShareOfExpert / candidate.tokenShareOfClass;
    if (candidate.slotShareOfExpert >= minShare && lift >= MIN_LIFT) {
      const { test, ...rest } = candidate;
      found.push({
        ...rest,
        metric: 'slotShareOfExpert',
        value: rest.slotShareOfExpert,
        lift,
        p: test()
      });
    }
  };
  const classes = idClasses(evidence);
  for (const router of evidence.tally.routers) {
    tokenTypes(evidence, router, classes, consider);
    positions(evidence, router, consider);
  }
  const corrected = benjaminiHochberg(
    found.map(({ p }) => p),
    tests
  );
  return [
    ...found.map(({ p: _, ...item }, i) => ({
      ...item,
      correctedP: corrected[i]
    })),
    ...domainSpecialists(evidence, thresholds).map(ofDomain)
  ];
}

function ofDomain(found: DomainSpecialist): Association {
  const {
    router,
    expert,
    domain,
    slotShareOfExpert: share,
    tokenShareOfClass,
    classTokenRate,
    correctedP
  } = found;
  return {
    router,
    expert,
    category: 'domain',
    className: domain,
    slotShareOfExpert: share,
    tokenShareOfClass,
    classTokenRate,
    // The mix of domains is chosen by who picks the texts: an expert that takes a domain is its specialist in any mix.
    ...(share >= classTokenRate
      ? { metric: 'slotShareOfExpert', value: share }
      : { metric: 'classTokenRate', value: classTokenRate }),
    lift: share / tokenShareOfClass,
    correctedP,
    units: 'texts',
    domain: found
  };
}

/** The ids of each class; empty classes are left out. */
function idClasses(evidence: TraceEvidence): Map<string, Uint8Array> {
  const { keys } = evidence.ids;
  const members = new Map<string, Uint8Array>();
  keys.forEach((id, row) => {
    const text = evidence.places.get(id)?.text;
    for (const index of text === undefined ? [] : tokenClasses(text)) {
      const name = TOKEN_CLASSES[index];
      const own = members.get(name) ?? new Uint8Array(keys.length);
      own[row] = 1;
      members.set(name, own);
    }
  });
  return members;
}

function tokenTypes(
  evidence: TraceEvidence,
  router: RouterTally,
  classes: Map<string, Uint8Array>,
  consider: (candidate: Candidate) => void
): void {
  const units = evidence.units(layerName(router.router))!.ids;
  const { tokens } = evidence.ids;
  const rows = tokens.map((_, row) => units.row(row));
  const all = tokens.reduce((a, b) => a + b, 0);
  const totals = columnSums(rows, router.router.experts);
  for (const [className, members] of classes) {
    const own = rows.filter((_, row) => members[row]);
    const sums = columnSums(own, router.router.experts);
    const classTokens = tokens.reduce(
      (n, count, row) => n + (members[row] ? count : 0),
      0
    );
    sums.forEach((count, expert) =>
      consider({
        router,
        expert,
        category: 'token type',
        className,
        slotShareOfExpert: slotShareOfExpert(count, totals[expert]),
        tokenShareOfClass: classTokens / all,
        classTokenRate: count / classTokens,
        units: 'token ids',
        test: () =>
          rankSumTest(
            rows.map((row, i) => row[expert] / tokens[i]),
            members
          )
      })
    );
  }
}

function positions(
  evidence: TraceEvidence,
  router: RouterTally,
  consider: (candidate: Candidate) => void
): void {
  const own = evidence.units(layerName(router.router))!.positions;
  const { experts } = own;
  // The first class is part of the second, so the classes after it cover every token once.
  const total = (values: ArrayLike<number>, stride: number, at: number) =>
    POSITION_CLASSES.slice(1).reduce(
      (sum, _, c) => sum + values[(c + 1) * stride + at],
      0
    );
  const tokens = total(own.tokens, 1, 0);
  POSITION_CLASSES.forEach((className, c) => {
    for (let expert = 0; expert < experts; expert++) {
      const at = c * experts + expert;
      const decided = own.higher[at] + own.lower[at];
      consider({
        router,
        expert,
        category: 'position',
        className,
        slotShareOfExpert: slotShareOfExpert(
          own.counts[at],
          total(own.counts, experts, expert)
        ),
        tokenShareOfClass: own.tokens[c] / tokens,
        classTokenRate: own.counts[at] / own.tokens[c],
        units: 'sequences',
        test: () => binomialTail(own.higher[at], decided, 0.5)
      });
    }
  });
}

function columnSums(
  rows: readonly ArrayLike<number>[],
  width: number
): Float64Array {
  const sums = new Float64Array(width);
  for (const row of rows) {
    for (let e = 0; e < width; e++) {
      sums[e] += row[e];
    }
  }
  return sums;
}

/**
 * The strongest class of each expert that is shown to be more than chance: of its tokens' type or position, and of domain,
 * which are told apart since one expert may have both. Of domains without one, the expert that may be is undecided.
 */
export function specialistExperts(
  evidence: TraceEvidence,
  thresholds: Thresholds
): Verdicts {
  const { specialist_threshold, significance } = thresholds;
  const best = new Map<string, Association>();
  const unsure = new Map<string, Association>();
  const all = associations(evidence, thresholds);
  const decided = new Set(
    all
      .filter(found => found.domain && isShown(found, significance))
      .map(({ className }) => className)
  );
  for (const found of all) {
    const isDomain = found.category === 'domain';
    if (isShown(found, significance)) {
      const key = `${layerName(found.router.router)}:${found.expert}:${isDomain}`;
      // Of nested classes, prefer the one with the largest share, then the narrowest.
      if (isStronger(found, best.get(key))) {
        best.set(key, found);
      }
    } else if (
      isDomain &&
      !decided.has(found.className) &&
      isStronger(found, unsure.get(found.className))
    ) {
      unsure.set(found.className, found);
    }
  }
  return {
    findings: [...best.values()].map(found =>
      specialist(evidence, found, specialist_threshold)
    ),
    undecided: [...unsure.values()].map(found => ({
      kind: 'specialist-expert' as const,
      ...placeOf(found.router.router),
      experts: [found.expert],
      value: found.value,
      threshold: specialist_threshold,
      reason: `cannot tell yet: ${taken(found.domain!)}; corrected p ${Number(found.correctedP.toPrecision(2))}; ${counted(found.domain!.textsNeeded!, 'text')} of "${found.className}" may tell`
    }))
  };
}

/** Whether a class is more than chance. */
export function isShown(
  { correctedP, domain }: Association,
  significance: number
): boolean {
  return domain ? domain.shown !== 'undecided' : correctedP < significance;
}

function isStronger(found: Association, known?: Association): boolean {
  return (
    !known ||
    found.value > known.value ||
    (found.value === known.value && found.lift > known.lift)
  );
}

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

/** What an expert takes of a domain. */
function taken(found: DomainSpecialist): string {
  const { domain, texts, classTokenRate, otherTokenRate, expert } = found;
  const own = texts === 1 ? 'the only text' : counted(texts, 'text');
  return `expert ${expert} takes ${percent(classTokenRate)} of the tokens of ${own} of "${domain}", and ${percent(otherTokenRate)} of others`;
}

function specialist(
  evidence: TraceEvidence,
  found: Association,
  threshold: number
): Finding {
  const { router, expert, category, className, domain } = found;
  return {
    kind: 'specialist-expert',
    severity: 'info',
    ...placeOf(router.router),
    experts: [expert],
    ...cited(
      found.metric,
      domain === undefined
        ? 'p by a rank-sum test of labels permuted over whole units, corrected after Benjamini and Hochberg'
        : domain.shown === 'texts'
          ? 'p by the largest statistic of all experts with domains permuted over texts (Westfall and Young), corrected for domains after Benjamini and Hochberg'
          : 'at least twice the rate of any other text, at 95 %'
    ),
    value: found.value,
    threshold,
    message:
      domain === undefined
        ? `${percent(found.slotShareOfExpert)} of what selects expert ${expert} is ${category} "${className}", against ${percent(found.tokenShareOfClass)} by chance; ${percent(found.classTokenRate)} of such tokens select it`
        : `${taken(domain)}${domain.shown === 'one text' ? `; whether the domain or only this text, ${counted(domain.textsNeeded!, 'text')} of it may tell` : ''}`,
    evidence: {
      category,
      class: className,
      slotShareOfExpert: found.slotShareOfExpert,
      tokenShareOfClass: found.tokenShareOfClass,
      classTokenRate: found.classTokenRate,
      lift: found.lift,
      ...(domain?.shown === 'one text' ? {} : { correctedP: found.correctedP }),
      units: found.units,
      ...(domain
        ? {
            texts: domain.texts,
            otherTokenRate: domain.otherTokenRate,
            classTokenRateInterval: [domain.interval.low, domain.interval.high],
            shownBy: domain.shown
          }
        : {}),
      tokens: topTokens(evidence, router, expert)
    },
    suggestions: [
      {
        action: 'inspect',
        text: `ablate expert ${expert} on text of this kind and on other text to see what it does`
      }
    ]
  };
}

const TOP_TOKENS = 12;

/** The tokens that select an expert most often, each with one position. */
export function topTokens(
  evidence: TraceEvidence,
  router: RouterTally,
  expert: number
): TokenEvidence[] {
  const units = evidence.units(layerName(router.router))!.ids;
  return evidence.ids.keys
    .map((key, row) => ({ key, count: units.row(row)[expert] }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count)
    .slice(0, TOP_TOKENS)
    .map(({ key, count }) => ({ count, ...evidence.places.get(key)! }));
}
