/**
 * Experts that serve a domain. Texts are the unit: two texts of a domain say more than one of any length, since the tokens
 * of a text are routed alike.
 */
import { benjaminiHochberg } from '../../base/statistics/multiple-testing';
import { designEffect } from '../../base/statistics/design-effect';
import { wilsonInterval, type Interval } from '../../base/statistics/intervals';
import {
  divisionCount,
  maxPermutationTest
} from '../../base/statistics/max-permutation';
import { Z_ONE_SIDED_95 } from '../../base/statistics/normal';
import {
  classTokenRate,
  slotShareOfExpert,
  type RouterTally
} from '../../measures';
import { addTo } from '../../measures/vectors';
import { layerName } from '../../base/protocol';
import type { Thresholds } from './thresholds';
import type { TraceEvidence } from './trace-evidence';

export interface DomainSpecialist {
  router: RouterTally;
  expert: number;
  domain: string;
  /** Texts of the domain that do not repeat others. */
  texts: number;
  /** Share of the expert's selections that are of the domain. */
  slotShareOfExpert: number;
  tokenShareOfClass: number;
  /** Share of the domain's tokens that select the expert, and of all others. */
  classTokenRate: number;
  otherTokenRate: number;
  /** 95 %, from the tokens of these texts, as far as they differ. */
  interval: Interval;
  /** If the domain is permuted over texts, corrected for all experts and domains; 1 of a single text. */
  correctedP: number;
  /**
   * 'texts': more than chance among texts. 'one text': beyond all others in the only text of the domain, where each domain
   * has one. 'undecided' otherwise.
   */
  shown: 'texts' | 'one text' | 'undecided';
  /** Texts of the domain that would show a domain routed like this; undefined where it is shown. */
  textsNeeded?: number;
}

/** A rate is far above chance at this many times that of other text. */
const MIN_LIFT = 2;
/** In the only text of a domain an expert must take nearly all tokens. */
const CLEAR_RATE = 0.9;
/** More texts are tested by a sample of them, which shows such effects as well. */
const MAX_TEXTS = 256;

/** A text with its selections of all routers. */
interface Text {
  domain: string;
  /** [columns]: selections by router and expert */
  counts: Float64Array;
  /** [columns]: tokens that the router saw */
  tokens: Float64Array;
}

/** Experts with much of a domain, or that take much of it; with what shows it. Largest first within a domain. */
export function domainSpecialists(
  evidence: TraceEvidence,
  { specialist_threshold, significance }: Thresholds
): DomainSpecialist[] {
  const texts = textsOf(evidence);
  const domains = [...new Set(texts.map(({ domain }) => domain))];
  if (domains.length < 2) {
    return [];
  }
  const columns = evidence.tally.routers.flatMap(router =>
    Array.from(router.counts, (_, expert) => ({ router, expert }))
  );
  const alone = domains.length === texts.length;
  const all = sumOf(texts, columns.length);
  const rates = ratesOf(sampleOf(texts));
  const families = domains.map(domain => {
    const labelled = rates.domains.map(own => own === domain);
    const { p } = maxPermutationTest(rates.rows, labelled, rates.noise);
    return { domain, p };
  });
  const least = benjaminiHochberg(families.map(({ p }) => Math.min(...p)));
  const shown = least.filter(p => p < significance).length;
  return families.flatMap(({ domain, p }, family) => {
    const own = texts.filter(text => text.domain === domain);
    const sums = sumOf(own, columns.length);
    return columns
      .flatMap(({ router, expert }, column): DomainSpecialist[] => {
        const figures = compared(sums, all, column);
        if (
          !(figures.classTokenRate >= MIN_LIFT * figures.otherTokenRate) ||
          Math.max(figures.slotShareOfExpert, figures.classTokenRate) <
            specialist_threshold
        ) {
          return [];
        }
        // Experts within the domains that have any are tested at the level that this leaves them (Benjamini and Bogomolov).
        const correctedP = Math.min(
          1,
          Math.max(
            least[family],
            (p[column] * domains.length) / Math.max(1, shown)
          )
        );
        const interval = intervalOf(own, column, figures.classTokenRate);
        const how =
          correctedP < significance
            ? 'texts'
            : alone && standsOut(texts, own[0], column)
              ? 'one text'
              : 'undecided';
        return [
          {
            router,
            expert,
            domain,
            texts: own.length,
            ...figures,
            interval,
            correctedP,
            shown: how,
            ...(how === 'texts'
              ? {}
              : {
                  textsNeeded: textsNeeded(
                    texts.length,
                    own.length,
                    domains.length,
                    significance
                  )
                })
          }
        ];
      })
      .sort((a, b) => b.classTokenRate - a.classTokenRate);
  });
}

/** Texts with a domain; those that mostly repeat others are no evidence of their own. */
function textsOf(evidence: TraceEvidence): Text[] {
  const { routers } = evidence.tally;
  return evidence.domains.flatMap((domain, row) => {
    if (domain === undefined || !evidence.isNew[row]) {
      return [];
    }
    const counts: number[] = [];
    const tokens: number[] = [];
    for (const { router } of routers) {
      const own = evidence.units(layerName(router))!.samples.row(row);
      const length = evidence.sampleTokens.get(router.stack)?.[row] ?? 0;
      own.forEach(count => {
        counts.push(count);
        tokens.push(length);
      });
    }
    return [
      {
        domain,
        counts: Float64Array.from(counts),
        tokens: Float64Array.from(tokens)
      }
    ];
  });
}

/** Evenly over the texts of each domain. */
function sampleOf(texts: readonly Text[]): readonly Text[] {
  const stride = Math.ceil(texts.length / MAX_TEXTS);
  const seen = new Map<string, number>();
  return texts.filter(({ domain }) => {
    const nth = seen.get(domain) ?? 0;
    seen.set(domain, nth + 1);
    return nth % stride === 0;
  });
}

function ratesOf(texts: readonly Text[]): {
  domains: string[];
  rows: Float64Array[];
  noise: Float64Array;
} {
  const rows = texts.map(({ counts, tokens }) =>
    counts.map((count, c) => count / Math.max(1, tokens[c]))
  );
  return {
    domains: texts.map(({ domain }) => domain),
    rows,
    // Of independent tokens, in a text of mean length.
    noise: rows[0].map((_, c) => {
      const rate = rows.reduce((sum, row) => sum + row[c], 0) / rows.length;
      const tokens = texts.reduce((sum, text) => sum + text.tokens[c], 0);
      return (rate * (1 - rate) * texts.length) / Math.max(1, tokens);
    })
  };
}

/** Sums over texts, [columns] each. */
type Sums = Pick<Text, 'counts' | 'tokens'>;

function sumOf(texts: readonly Text[], columns: number): Sums {
  const sums = {
    counts: new Float64Array(columns),
    tokens: new Float64Array(columns)
  };
  for (const { counts, tokens } of texts) {
    addTo(sums.counts, counts);
    addTo(sums.tokens, tokens);
  }
  return sums;
}

function compared(
  own: Sums,
  all: Sums,
  column: number
): Pick<
  DomainSpecialist,
  | 'slotShareOfExpert'
  | 'tokenShareOfClass'
  | 'classTokenRate'
  | 'otherTokenRate'
> {
  const [count, tokens] = [own.counts[column], own.tokens[column]];
  const [allCount, allTokens] = [all.counts[column], all.tokens[column]];
  return {
    slotShareOfExpert: slotShareOfExpert(count, allCount),
    tokenShareOfClass: tokens / allTokens,
    classTokenRate: classTokenRate(count, tokens),
    otherTokenRate: classTokenRate(allCount - count, allTokens - tokens)
  };
}

/** Wilson's, over the tokens of the texts divided by how much more than tokens the texts differ, in all experts. */
function intervalOf(
  own: readonly Text[],
  column: number,
  rate: number
): Interval {
  const lengths = own.map(({ tokens }) => tokens[column]);
  const effect = designEffect(
    own.map(({ counts }) => counts),
    lengths
  );
  const tokens =
    lengths.reduce((a, b) => a + b, 0) / (Number.isNaN(effect) ? 1 : effect);
  return wilsonInterval(rate * tokens, tokens);
}

/** Nearly all tokens of the text select the expert, at least twice the share of any other text, for sure. */
function standsOut(texts: readonly Text[], own: Text, column: number): boolean {
  const rate = ({ counts, tokens }: Text): number =>
    tokens[column] === 0 ? 0 : counts[column] / tokens[column];
  const { low } = wilsonInterval(
    own.counts[column],
    own.tokens[column],
    Z_ONE_SIDED_95
  );
  const others = texts.filter(text => text !== own).map(rate);
  return (
    others.length >= 2 &&
    rate(own) >= CLEAR_RATE &&
    low >= MIN_LIFT * Math.max(...others)
  );
}

/** The fewest texts of a domain, all else as it is, of which a division that is unlike all others is significant. */
function textsNeeded(
  texts: number,
  own: number,
  domains: number,
  significance: number
): number {
  let needed = own + 1;
  while (
    domains / divisionCount(texts + needed - own, needed) >= significance &&
    needed < MAX_TEXTS
  ) {
    needed++;
  }
  return needed;
}
