/** Artificial traces whose truth is known: experts that a class selects more, in text that varies as text does. */
import { randomNumbers } from '../src/base/statistics/random';
import type { RoutingLayer, RoutingSample, Token } from '../src/base/protocol';

export const DOMAINS = ['english', 'german', 'code', 'data'];

/** Which tokens select a planted expert more. */
export type PlantedClass = 'german' | 'digits' | 'eighth 8 of the sequence';

export interface PlantedExpert {
  expert: number;
  /** Its rate in the class over its rate elsewhere, which is that of balance. */
  ratio: number;
  className: PlantedClass;
}

export interface PlantedTrace {
  experts: number;
  topK: number;
  texts: number;
  length: number;
  seed: number;
  /** One a layer; undefined where nothing is planted. */
  planted: readonly (PlantedExpert | undefined)[];
  /** Of the Dirichlet distribution of a text's rates around those of all: the smaller, the more texts differ. Default: 8 an expert. */
  concentration?: number;
  /** Share of tokens that keep the experts of the one before. */
  kept?: number;
  domainOf?: (text: number) => string | undefined;
}

/** Words, numbers and signs, the first the most frequent of each. */
const VOCABULARY = Array.from({ length: 400 }, (_, id) =>
  id % 5 === 0
    ? ` ${id}`
    : id % 5 === 1
      ? '.,;:!?()[]{}-+*/=<>'[((id / 5) % 19) | 0] + '.'.repeat(id / 95)
      : ` ${String.fromCharCode(97 + (id % 26))}${String.fromCharCode(97 + ((id * 7) % 26))}x`
);

export function plantedTrace({
  experts,
  topK,
  texts,
  length,
  seed,
  planted,
  concentration = 8 * experts,
  kept = 0.2,
  domainOf = text => DOMAINS[text % DOMAINS.length]
}: PlantedTrace): RoutingSample[] {
  const random = randomNumbers(seed);
  return Array.from({ length: texts }, (_, text) => {
    const domain = domainOf(text);
    const tokens = Array.from({ length }, (__, position): Token => {
      const id = Math.floor(VOCABULARY.length * random() ** 2);
      return { position, id, text: VOCABULARY[id] };
    });
    const layers = planted.map((plan, layer): RoutingLayer => {
      const taste = dirichlet(experts, concentration, random);
      const cumulated = cumulatedOf(taste);
      const selected = new Int32Array(length * topK);
      let before: Routed | undefined;
      tokens.forEach((token, t) => {
        const isOfClass =
          plan !== undefined && isOf(plan.className, token, domain, length);
        const keeps =
          before !== undefined &&
          before.isOfClass === isOfClass &&
          random() < kept;
        if (!keeps) {
          // Texts differ in the planted expert as in the others.
          const rate =
            plan === undefined
              ? 0
              : Math.min(
                  0.97,
                  (isOfClass ? plan.ratio : 1) * topK * taste[plan.expert]
                );
          before = {
            isOfClass,
            chosen: plan
              ? withExpert(
                  cumulated,
                  topK,
                  plan.expert,
                  random() < rate,
                  random
                )
              : drawnByTaste(cumulated, topK, new Set(), random)
          };
        }
        selected.set(before!.chosen, t * topK);
      });
      return {
        layer,
        experts,
        topK,
        score: 'softmax',
        logitsAre: 'logits',
        logits: new Float32Array(),
        selected,
        weights: new Float32Array()
      };
    });
    return {
      id: String(text),
      ...(domain === undefined ? {} : { domain }),
      tokens,
      layers
    };
  });
}

interface Routed {
  isOfClass: boolean;
  chosen: number[];
}

function isOf(
  className: PlantedClass,
  { position, text }: Token,
  domain: string | undefined,
  length: number
): boolean {
  switch (className) {
    case 'german':
      return domain === 'german';
    case 'digits':
      return /^ \d+$/.test(text!);
    case 'eighth 8 of the sequence':
      return position * 8 >= 7 * length;
  }
}

/** Shares around 1 / n. */
export function dirichlet(
  n: number,
  concentration: number,
  random: () => number
): Float64Array {
  const values = Float64Array.from({ length: n }, () =>
    gamma(concentration / n, random)
  );
  const total = values.reduce((a, b) => a + b, 0);
  return values.map(value => value / total);
}

export function cumulatedOf(shares: Float64Array): Float64Array {
  let sum = 0;
  const sums = shares.map(share => (sum += share));
  // Rounding must not leave a gap at the end.
  sums[sums.length - 1] = 1;
  return sums;
}

/** Marsaglia and Tsang 2000, with their step for shapes below 1. */
function gamma(shape: number, random: () => number): number {
  if (shape < 1) {
    return gamma(shape + 1, random) * random() ** (1 / shape);
  }
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x =
      Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const v = (1 + c * x) ** 3;
    if (
      v > 0 &&
      Math.log(1 - random()) < (x * x) / 2 + d - d * v + d * Math.log(v)
    ) {
      return d * v;
    }
  }
}

/** k different experts by their cumulated shares, without those that are taken. */
export function drawnByTaste(
  taste: ArrayLike<number>,
  k: number,
  taken: Set<number>,
  random: () => number
): number[] {
  const chosen: number[] = [];
  while (chosen.length < k) {
    const at = random();
    let [from, to] = [0, taste.length - 1];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (taste[middle] < at) {
        from = middle + 1;
      } else {
        to = middle;
      }
    }
    if (!taken.has(from)) {
      taken.add(from);
      chosen.push(from);
    }
  }
  return chosen;
}

function withExpert(
  taste: ArrayLike<number>,
  k: number,
  expert: number,
  takes: boolean,
  random: () => number
): number[] {
  const rest = drawnByTaste(
    taste,
    takes ? k - 1 : k,
    new Set([expert]),
    random
  );
  return takes ? [expert, ...rest] : rest;
}
