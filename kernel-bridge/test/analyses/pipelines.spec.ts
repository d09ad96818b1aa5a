/** Pipelines: how often a planted one is found with the domain that it carries, and how often one gets a name without. */
import { randomNumbers } from '../../src/base/statistics/random';
import type { RoutingSample } from '../../src/base/protocol';
import { expertPipelines } from '../../src';
import { expectSection, markdownTable } from '../page';
import { plantedTrace, type PlantedTrace } from '../planted-routing';

interface Size {
  experts: number;
  topK: number;
  texts: number;
}

const SIZES: Size[] = [
  { experts: 8, topK: 2, texts: 24 },
  { experts: 16, topK: 4, texts: 48 },
  { experts: 32, topK: 4, texts: 64 }
];
/** Share of the tokens of German text that go through the pipeline. */
const SHARES = [0.3, 0.5, 0.8];
const DRAWS = 5;
const ALARM_DRAWS = 15;
/** Below what a pipeline of a quarter of the text can reach with 2 of 8 experts. */
const MIN_LIFT = 1.2;
const PATH = [3, 5, 6];
const DOMAINS = ['english', 'german', 'code', 'data'];

/**
 * Three layers. Some ids, the same in all texts, go through experts 3, 5 and 6; in German text others do as well.
 *
 * @param ids share of ids that do so in any text, which makes a pipeline that carries no domain
 */
function traceOf(
  { experts, topK, texts }: Size,
  seed: number,
  { german, ids }: { german: number; ids: number }
): RoutingSample[] {
  const options: PlantedTrace = {
    experts,
    topK,
    texts,
    length: 80,
    seed,
    planted: PATH.map(() => undefined),
    kept: 0,
    domainOf: text => DOMAINS[text % DOMAINS.length]
  };
  const samples = plantedTrace(options);
  const random = randomNumbers(700_000 + seed);
  const share = Array.from({ length: 400 }, () => random());
  for (const { tokens, layers, domain } of samples) {
    tokens.forEach(({ id }, t) => {
      const goes =
        share[id] < ids || (domain === 'german' && share[id] < ids + german);
      layers.forEach(({ selected }, l) => {
        const own = selected.subarray(t * topK, (t + 1) * topK);
        if (goes && !own.includes(PATH[l])) {
          own[0] = PATH[l];
        }
      });
    });
  }
  return samples;
}

const percent = (part: number, all: number): string =>
  `${((100 * part) / all).toFixed(0)} %`;
const rows: string[][] = [];

it.each(SIZES)('$experts experts, $texts texts', size => {
  const powers = SHARES.map(german => {
    let [chains, named] = [0, 0];
    for (let seed = 0; seed < DRAWS; seed++) {
      const { pipelines } = expertPipelines(
        traceOf(size, seed, { german, ids: 0 }),
        { minLift: MIN_LIFT }
      );
      const own = pipelines.find(
        ({ experts }) =>
          experts.map(({ expert }) => expert).join() === PATH.join()
      );
      chains += own ? 1 : 0;
      named += own?.name === 'german' ? 1 : 0;
    }
    return [chains, named];
  });
  let [misnamed, independent] = [0, 0];
  for (let seed = 0; seed < ALARM_DRAWS; seed++) {
    const { pipelines } = expertPipelines(
      traceOf(size, 1000 + seed, { german: 0, ids: 0.3 }),
      { minLift: MIN_LIFT }
    );
    misnamed += pipelines.some(({ carries }) => carries?.category === 'domain')
      ? 1
      : 0;
    independent +=
      expertPipelines(traceOf(size, 2000 + seed, { german: 0, ids: 0 }), {
        minLift: MIN_LIFT
      }).steps.length > 0
        ? 1
        : 0;
  }
  expect(powers.at(-1)![1] / DRAWS).toBeGreaterThanOrEqual(0.9);
  expect(misnamed / ALARM_DRAWS).toBeLessThanOrEqual(0.1);
  expect(independent / ALARM_DRAWS).toBeLessThanOrEqual(0.1);
  rows.push([
    `${size.experts}, ${size.topK}`,
    `${size.texts} texts of 80 tokens`,
    ...powers.map(
      ([chains, named]) => `${percent(chains, DRAWS)}, ${percent(named, DRAWS)}`
    ),
    `${misnamed} of ${ALARM_DRAWS}`,
    `${independent} of ${ALARM_DRAWS}`
  ]);
});

it('docs/analyses.md has the table', () =>
  expectSection(
    'analyses.md',
    'pipelines',
    `## Expert pipelines

Planted: in three layers, 30 to 80 % of the tokens of one domain of four select the same three experts, one a layer. Texts
differ (Dirichlet, 8 an expert). The first figure is how often the pipeline was found from its first expert to its last, the
second how often it was also named by the domain, of ${DRAWS} traces. Misnamed: traces with such a pipeline for tokens of any domain,
in which any pipeline is named by a domain. False alarms: traces without a pipeline in which any step is found. The least lift
is ${MIN_LIFT}.

${markdownTable([['experts, k', 'trace', ...SHARES.map(share => `${100 * share} %`), 'misnamed', 'false alarms'], ...rows])}
`
  ));
