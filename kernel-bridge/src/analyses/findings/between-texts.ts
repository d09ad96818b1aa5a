/**
 * Experts that texts of a domain select more than other texts. Texts are the unit: two texts of a domain say more than one
 * of any length, since the tokens of a text are routed alike.
 */
import { benjaminiHochberg } from '../../base/statistics/multiple-testing';
import { designEffect } from '../../base/statistics/design-effect';
import { wilsonInterval, type Interval } from '../../base/statistics/intervals';
import {
  divisionCount,
  maxPermutationTest
} from '../../base/statistics/max-permutation';
import { Z_ONE_SIDED_95 } from '../../base/statistics/normal';
import { liftInterval, type TwoRates } from '../../base/statistics/rate-ratio';
import { counted } from '../../base/protocol';
import { sizeOf, type Effect } from './effects';
import { DomainTexts, type Sums } from './domain-texts';
import type { TraceEvidence } from './trace-evidence';

export interface BetweenTexts extends Effect {
  category: 'domain';
  /** Texts of the domain that do not repeat others. */
  texts: number;
  /** 95 % interval of classTokenRate, from the tokens of these texts, as far as they differ. */
  rateInterval: Interval;
  /** If the domain is permuted over texts, corrected for all experts and domains; 1 of a single text. */
  correctedP: number;
  /** Where each domain has one text: the expert takes nearly all of this one, far beyond all others. */
  standsOut: boolean;
  /** Texts of the domain that would show a domain routed like this. */
  textsNeeded: number;
}

/** A rate is far above chance at this many times that of other text. */
const MIN_RATIO = 2;
/** In the only text of a domain an expert must take nearly all tokens. */
const CLEAR_RATE = 0.9;
/** Units of the test; more texts are joined with others of their domain. */
const MAX_UNITS = 256;
/** The domains with the most texts are tested. */
export const MAX_DOMAINS = 64;

/** One a domain and expert; none where there are fewer than two domains. */
export function betweenTexts(
  evidence: TraceEvidence,
  significance: number
): BetweenTexts[] {
  const texts = new DomainTexts(evidence);
  const domains = texts.commonest(MAX_DOMAINS);
  if (domains.length < 2) {
    return [];
  }
  const units = texts.units(MAX_UNITS);
  const { rows, noise } = ratesOf(texts, units);
  const families = domains.map(domain => {
    const labelled = units.map(unit => unit.domain === domain);
    const { p } = maxPermutationTest(rows, labelled, noise, domains.length);
    return { domain, p };
  });
  const least = benjaminiHochberg(
    families.map(({ p }) => p.reduce((a, b) => Math.min(a, b), 1))
  );
  const shown = least.filter(p => p < significance).length;
  const all = texts.sum(texts.rows);
  return families.flatMap(({ domain, p }, family) => {
    const own = texts.rowsOf(domain);
    const others = texts.rows.filter(row => texts.domain(row) !== domain);
    const sums = texts.sum(own);
    const needed = textsNeeded(
      texts.rows.length,
      own.length,
      domains.length,
      significance
    );
    return texts.columns.flatMap(({ router, from, to }, index) => {
      if (
        sums.tokens[index] === 0 ||
        sums.tokens[index] === all.tokens[index]
      ) {
        return [];
      }
      const inside = effectOf(texts, own, index);
      const outside = effectOf(texts, others, index);
      return Array.from({ length: to - from }, (_, expert): BetweenTexts => {
        const counts = ratesIn(sums, all, index, from + expert);
        return {
          router,
          expert,
          category: 'domain',
          className: domain,
          ...sizeOf(counts),
          texts: own.length,
          ...(own.length > 1
            ? {
                liftInterval: liftInterval(
                  counts,
                  [inside, outside],
                  texts.rows.length - 2
                )
              }
            : {}),
          rateInterval: wilsonInterval(
            counts.inside / inside,
            counts.insideTokens / inside
          ),
          // Experts within the domains that have any are tested at the level that this leaves them (Benjamini and Bogomolov).
          correctedP: Math.min(
            1,
            Math.max(
              least[family],
              (p[from + expert] * domains.length) / Math.max(1, shown)
            )
          ),
          standsOut:
            domains.length === texts.rows.length &&
            standsOut(texts, own[0], index, expert),
          textsNeeded: needed
        };
      });
    });
  });
}

/**
 * The design effect of texts, over the experts of a router together. That of one text is unknown: its tokens are taken as
 * independent.
 */
function effectOf(
  texts: DomainTexts,
  rows: readonly number[],
  router: number
): number {
  const effect = designEffect(
    rows.map(row => texts.counts(router, row)),
    rows.map(row => texts.tokens(router, row))
  );
  return Number.isNaN(effect) ? 1 : effect;
}

function ratesOf(
  { columns }: DomainTexts,
  units: readonly Sums[]
): { rows: Float64Array[]; noise: Float64Array } {
  const rows = units.map(({ counts }) => counts.slice());
  const noise = new Float64Array(columns.at(-1)!.to);
  columns.forEach(({ from, to }, index) => {
    let tokens = 0;
    units.forEach((unit, u) => {
      tokens += unit.tokens[index];
      for (let column = from; column < to; column++) {
        rows[u][column] /= Math.max(1, unit.tokens[index]);
      }
    });
    for (let column = from; column < to; column++) {
      const rate =
        rows.reduce((sum, row) => sum + row[column], 0) / rows.length;
      // Of independent tokens, in a unit of mean length.
      noise[column] = (rate * (1 - rate) * rows.length) / Math.max(1, tokens);
    }
  });
  return { rows, noise };
}

function ratesIn(
  own: Sums,
  all: Sums,
  router: number,
  column: number
): TwoRates {
  const [inside, insideTokens] = [own.counts[column], own.tokens[router]];
  return {
    inside,
    insideTokens,
    outside: all.counts[column] - inside,
    outsideTokens: all.tokens[router] - insideTokens
  };
}

/** Nearly all tokens of the text select the expert, at least twice the share of any other text, for sure. */
function standsOut(
  texts: DomainTexts,
  own: number,
  router: number,
  expert: number
): boolean {
  const rate = (row: number): number =>
    texts.counts(router, row)[expert] / Math.max(1, texts.tokens(router, row));
  const { low } = wilsonInterval(
    texts.counts(router, own)[expert],
    texts.tokens(router, own),
    Z_ONE_SIDED_95
  );
  const others = texts.rows.filter(row => row !== own).map(rate);
  return (
    others.length >= 2 &&
    rate(own) >= CLEAR_RATE &&
    low >= MIN_RATIO * Math.max(...others)
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
    needed < MAX_UNITS
  ) {
    needed++;
  }
  return needed;
}

/** What an expert takes of a domain. */
export function taken(found: BetweenTexts): string {
  const { className, texts, classTokenRate, otherTokenRate } = found;
  const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
  const own = texts === 1 ? 'the only text' : counted(texts, 'text');
  return `takes ${percent(classTokenRate)} of the tokens of ${own} of "${className}", and ${percent(otherTokenRate)} of others`;
}

/** The same of a domain that is undecided, with what may decide it. */
export function undecidedText(found: BetweenTexts): string {
  const { className, correctedP, textsNeeded: needed } = found;
  return `${taken(found)}; corrected p ${Number(correctedP.toPrecision(2))}; ${counted(needed, 'text')} of "${className}" may tell`;
}
