/** Changes of a criterion by prompt and ablated expert, and of controls, drawn so that the truth is known. */
import type { Observation } from '../../src/analyses/causality/test-experts';
import { randomNumbers } from '../../src/base/statistics/random';

export interface PlantedChanges {
  prompts: number;
  layers: number;
  experts: number;
  topK: number;
  seed: number;
  noise: keyof typeof NOISES;
  /** Added to the change from one expert of the first layer, in each prompt that selects it. */
  planted?: { expert: number; effect: number };
}

type Random = () => number;

/** Mean 0, standard deviation 1. */
export const NOISES = {
  normal: (random: Random): number =>
    Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
  /** Double exponential: heavy tails. */
  laplace: (random: Random): number =>
    (random() < 0.5 ? -1 : 1) * Math.log(1 - random()) * Math.SQRT1_2,
  /** Few prompts lose much, most gain a little. */
  skewed: (random: Random): number => 1 + Math.log(1 - random())
};

const TOKENS = 24;

/**
 * Changes and those of controls have the same distribution, which depends on layer, prompt and load. Loads are as unequal as
 * routers make them: the first expert of each layer takes most tokens in all prompts, others none in some.
 */
export function plantedChanges({
  prompts,
  layers,
  experts,
  topK,
  seed,
  noise,
  planted
}: PlantedChanges): Observation[] {
  const random = randomNumbers(seed);
  const layerScale = Array.from({ length: layers }, () => 2 ** (2 * random()));
  const promptScale = Array.from(
    { length: prompts },
    () => 2 ** (2 * random() - 1)
  );
  const observations: Observation[] = [];
  for (let router = 0; router < layers; router++) {
    const popularity = Array.from({ length: experts }, (_, e) =>
      e === 0 ? experts / 2 : 0.3 + random()
    );
    for (let prompt = 0; prompt < prompts; prompt++) {
      loadsOf(popularity, topK, random).forEach((load, expert) => {
        // Ablations hurt more often than not.
        const draw = (): number =>
          0.02 *
          layerScale[router] *
          promptScale[prompt] *
          Math.sqrt(load) *
          (NOISES[noise](random) - 0.3);
        const effect =
          router === 0 && expert === planted?.expert ? planted.effect : 0;
        observations.push(
          load === 0
            ? { prompt, router, expert, load, change: 0 }
            : {
                prompt,
                router,
                expert,
                load,
                change: draw() + effect,
                control: { change: draw(), weight: 1 }
              }
        );
      });
    }
  }
  return observations;
}

/** Tokens that select each expert, k different ones a token. */
function loadsOf(
  popularity: readonly number[],
  topK: number,
  random: Random
): number[] {
  const loads = popularity.map(() => 0);
  const total = popularity.reduce((sum, one) => sum + one, 0);
  for (let token = 0; token < TOKENS; token++) {
    const chosen = new Set<number>();
    while (chosen.size < topK) {
      let at = random() * total;
      chosen.add(popularity.findIndex(one => (at -= one) < 0));
    }
    chosen.forEach(expert => loads[expert]++);
  }
  return loads;
}
