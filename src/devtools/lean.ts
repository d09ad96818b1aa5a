import type { OutlineRouter } from 'moe-debugger/protocol';

/** The kind of text that an expert leans to. */
export interface ILean {
  /** Index into the domains of the outline. */
  domain: number;
  /** Whether it is at least 2.5 times the mean, and not only 1.8 times. */
  isFull: boolean;
}

const PALE = 1.8;
const FULL = 2.5;
/** Rates of fewer tokens jump. */
const LEAST_TOKENS = 20;

/** Of routers whose experts are drawn in every row of a list. */
const known = new WeakMap<OutlineRouter, readonly (ILean | undefined)[]>();

/**
 * The domain whose tokens choose an expert most, if its rate is at least 1.8 times the mean rate over domains. A rule of
 * display: only `diagnose` says what is significant.
 */
export function leanOf(
  router: OutlineRouter,
  expert: number
): ILean | undefined {
  let leans = known.get(router);
  if (!leans) {
    leans = Array.from({ length: router.experts }, (_, own) =>
      computeLean(router, own)
    );
    known.set(router, leans);
  }
  return leans[expert];
}

function computeLean(
  { experts, domainTokens, domainCounts }: OutlineRouter,
  expert: number
): ILean | undefined {
  const rates = Array.from(domainTokens, (tokens, d) =>
    tokens >= LEAST_TOKENS ? domainCounts[d * experts + expert] / tokens : null
  );
  const counted = rates.filter(rate => rate !== null);
  const mean = counted.reduce((sum, rate) => sum + rate, 0) / counted.length;
  // One kind of text says nothing about the others.
  if (counted.length < 2 || !(mean > 0)) {
    return undefined;
  }
  const best = Math.max(...counted);
  return best >= PALE * mean
    ? { domain: rates.indexOf(best), isFull: best >= FULL * mean }
    : undefined;
}

/** Domains with a colour of their own; all others share grey. */
export const COLORED_DOMAINS = 7;

/** A CSS class for the colour of a chip. */
export function leanClass(lean: ILean | undefined): string {
  return lean && lean.domain < COLORED_DOMAINS
    ? `moe-Class-${lean.domain}${lean.isFull ? '' : ' moe-mod-pale'}`
    : '';
}
