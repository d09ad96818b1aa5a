/** How often consecutive tokens are routed alike, and how often they would be by chance. */
import type { RouterTally } from './router-tally';

export interface Repetition {
  /** Pairs of consecutive tokens. */
  transitions: number;
  /** P(top-1 of t = top-1 of t + 1) (Mixtral, arXiv 2401.04088, table 5) */
  firstChoice: number;
  /** Share of transitions on which at least one expert stays. */
  anyOverlap: number;
  /** Experts that stay, on average, of k. */
  meanOverlap: number;
  /** The same of a router that chooses by chance. */
  random: { firstChoice: number; anyOverlap: number; meanOverlap: number };
}

export function repetition({
  router: { experts, topK },
  transitions,
  repeated
}: Pick<RouterTally, 'router' | 'transitions' | 'repeated'>): Repetition {
  return {
    transitions,
    firstChoice: repeated.firstChoice / transitions,
    anyOverlap: repeated.any / transitions,
    meanOverlap: repeated.overlap / transitions,
    random: {
      firstChoice: 1 / experts,
      anyOverlap: randomAnyOverlap(experts, topK),
      meanOverlap: topK ** 2 / experts
    }
  };
}

/** 1 - C(E - k, k) / C(E, k): that two random choices of k share an expert. */
export function randomAnyOverlap(experts: number, topK: number): number {
  let none = 1;
  for (let i = 0; i < topK; i++) {
    none *= Math.max(0, experts - topK - i) / (experts - i);
  }
  return 1 - none;
}
