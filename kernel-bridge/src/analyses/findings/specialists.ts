/** Finds experts specialised in a token type, a domain or a position, tested against chance. */
import { binomialTail } from '../../base/statistics/exact-tests';
import { benjaminiHochberg } from '../../base/statistics/multiple-testing';
import { rankSumTest } from '../../base/statistics/rank-test';
import { cited, slotShareOfExpert, type RouterTally } from '../../measures';
import { layerName } from '../../base/protocol';
import { placeOf, type Finding, type TokenEvidence } from './finding';
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
  /** slotShareOfExpert / tokenShareOfClass. */
  lift: number;
  /** Under random permutation of labels over whole units, and corrected for all tests. */
  p: number;
  correctedP: number;
  /** The units that labels were permuted over. */
  units: 'token ids' | 'samples' | 'sequences';
}

/** Minimum lift: a share may be large only because the class is. */
const MIN_LIFT = 2;

interface Candidate extends Omit<Association, 'p' | 'correctedP' | 'lift'> {
  test: () => number;
}

/**
 * All experts with a large share of selections from one class, with corrected p-values. Tests skipped for a small share
 * count as made with p = 1.
 */
export function associations(
  evidence: TraceEvidence,
  minShare: number
): Association[] {
  const found: Omit<Association, 'correctedP'>[] = [];
  let tests = 0;
  const consider = (candidate: Candidate): void => {
    tests++;
    const lift = candidate.slotShareOfExpert / candidate.tokenShareOfClass;
    if (candidate.slotShareOfExpert >= minShare && lift >= MIN_LIFT) {
      const { test, ...rest } = candidate;
      found.push({ ...rest, lift, p: test() });
    }
  };
  const classes = idClasses(evidence);
  for (const router of evidence.tally.routers) {
    tokenTypes(evidence, router, classes, consider);
    domains(evidence, router, consider);
    positions(evidence, router, consider);
  }
  const corrected = benjaminiHochberg(
    found.map(({ p }) => p),
    tests
  );
  return found.map((item, i) => ({ ...item, correctedP: corrected[i] }));
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

function domains(
  evidence: TraceEvidence,
  router: RouterTally,
  consider: (candidate: Candidate) => void
): void {
  const units = evidence.units(layerName(router.router))!.samples;
  const names = new Set(evidence.domains);
  names.delete(undefined);
  if (names.size < 2) {
    return;
  }
  const rows = evidence.domains.map((_, row) => units.row(row));
  for (const name of names) {
    const own = router.domains.get(name!);
    const members = evidence.domains.map(domain => domain === name);
    own?.counts.forEach((count, expert) =>
      consider({
        router,
        expert,
        category: 'domain',
        className: name!,
        slotShareOfExpert: slotShareOfExpert(count, router.counts[expert]),
        tokenShareOfClass: own.tokens / router.tokens,
        classTokenRate: count / own.tokens,
        units: 'samples',
        test: () =>
          rankSumTest(
            rows.map((row, i) => row[expert] / evidence.sampleTokens[i]),
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

/** The strongest significant class of each expert. */
export function specialistExperts(
  evidence: TraceEvidence,
  { specialist_threshold, significance }: Thresholds
): Finding[] {
  const best = new Map<string, Association>();
  for (const found of associations(evidence, specialist_threshold)) {
    const key = `${layerName(found.router.router)}:${found.expert}`;
    const known = best.get(key);
    // Of nested classes, prefer the one with the largest share, then the narrowest.
    const better =
      !known ||
      found.slotShareOfExpert > known.slotShareOfExpert ||
      (found.slotShareOfExpert === known.slotShareOfExpert &&
        found.lift > known.lift);
    if (found.correctedP < significance && better) {
      best.set(key, found);
    }
  }
  return [...best.values()].map(found =>
    specialist(evidence, found, specialist_threshold)
  );
}

function specialist(
  evidence: TraceEvidence,
  found: Association,
  threshold: number
): Finding {
  const { router, expert, category, className } = found;
  const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
  return {
    kind: 'specialist-expert',
    severity: 'info',
    ...placeOf(router.router),
    experts: [expert],
    ...cited(
      'slotShareOfExpert',
      'p by a rank-sum test of labels permuted over whole units, corrected after Benjamini and Hochberg'
    ),
    value: found.slotShareOfExpert,
    threshold,
    message: `${percent(found.slotShareOfExpert)} of what selects expert ${expert} is ${category} "${className}", against ${percent(found.tokenShareOfClass)} by chance; ${percent(found.classTokenRate)} of such tokens select it`,
    evidence: {
      category,
      class: className,
      tokenShareOfClass: found.tokenShareOfClass,
      classTokenRate: found.classTokenRate,
      lift: found.lift,
      p: found.p,
      correctedP: found.correctedP,
      units: found.units,
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

/** The ids that select an expert most often, each with one position. */
export function topTokens(
  evidence: TraceEvidence,
  router: RouterTally,
  expert: number
): TokenEvidence[] {
  const units = evidence.units(layerName(router.router))!.ids;
  return evidence.ids.keys
    .map((id, row) => ({ id, count: units.row(row)[expert] }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count)
    .slice(0, TOP_TOKENS)
    .map(({ id, count }) => ({ id, count, ...evidence.places.get(id)! }));
}
