/** Triggers: how often planted ones are found, and how often one is found where sequences decide nothing. */
import { randomNumbers } from '../../src/base/statistics/random';
import type { RoutingSample } from '../../src/base/protocol';
import { ngramTriggers } from '../../src';
import { expectSection, markdownTable } from '../page';
import { plantedTrace } from '../planted-routing';

interface Size {
  experts: number;
  topK: number;
  texts: number;
}

const SIZES: Size[] = [
  { experts: 8, topK: 2, texts: 60 },
  { experts: 32, topK: 4, texts: 120 },
  { experts: 64, topK: 8, texts: 160 }
];
const RATIOS = [2, 3, 4];
const DRAWS = 10;
const ALARM_DRAWS = 30;
const LENGTH = 80;
/** A sequence of tokens that occur elsewhere too. */
const SEQUENCE = [41, 17];

/** In half of the texts the sequence stands at one place, where it selects expert 3 `ratio` times as often as others. */
function traceOf(
  { experts, topK, texts }: Size,
  seed: number,
  ratio?: number
): RoutingSample[] {
  const samples = plantedTrace({
    experts,
    topK,
    texts,
    length: LENGTH,
    seed,
    planted: [undefined]
  });
  const random = randomNumbers(500_000 + seed);
  samples.forEach(({ tokens, layers: [layer] }, text) => {
    if (text % 2 === 0) {
      const at = 1 + Math.floor(random() * (LENGTH - 1));
      SEQUENCE.forEach((id, i) => (tokens[at - 1 + i].id = id));
      if (ratio !== undefined) {
        const rate = Math.min(0.97, (ratio * topK) / experts);
        const own = layer.selected.subarray(at * topK, (at + 1) * topK);
        const has = own.indexOf(3);
        if (random() < rate) {
          own[has < 0 ? 0 : has] = 3;
        } else if (has >= 0) {
          own[has] = [4, 5, 6, 7, 0, 1, 2, 8, 9].find(e => !own.includes(e))!;
        }
      }
    }
    // The last token alone occurs in every text.
    tokens[(text * 7) % LENGTH].id = SEQUENCE[1];
  });
  return samples;
}

const percent = (part: number, all: number): string =>
  `${((100 * part) / all).toFixed(0)} %`;
const rows: string[][] = [];

it.each(SIZES)('$experts experts, $texts texts', size => {
  const powers = RATIOS.map(ratio => {
    let found = 0;
    for (let seed = 0; seed < DRAWS; seed++) {
      found += ngramTriggers(traceOf(size, seed, ratio)).triggers.some(
        ({ ids, expert }) => expert === 3 && ids.join() === SEQUENCE.join()
      )
        ? 1
        : 0;
    }
    return found;
  });
  let alarms = 0;
  for (let seed = 0; seed < ALARM_DRAWS; seed++) {
    alarms +=
      ngramTriggers(traceOf(size, 1000 + seed)).triggers.length > 0 ? 1 : 0;
  }
  expect(powers.at(-1)! / DRAWS).toBeGreaterThanOrEqual(0.95);
  expect(alarms / ALARM_DRAWS).toBeLessThanOrEqual(0.1);
  rows.push([
    `${size.experts}, ${size.topK}`,
    `${size.texts} texts of ${LENGTH} tokens`,
    ...powers.map(found => percent(found, DRAWS)),
    `${alarms} of ${ALARM_DRAWS}`
  ]);
});

it('docs/analyses.md has the table', () =>
  expectSection(
    'analyses.md',
    'triggers',
    `## Triggers

Planted: a sequence of two tokens in every second text, whose last token selects an expert 2 to 4 times as often as a
balanced router would, at most 97 % of the time. Texts differ (Dirichlet, 8 an expert), and a fifth of the tokens keep the
experts of the token before. Found: \`ngramTriggers\` names sequence and expert, of ${DRAWS} traces. False alarms: traces with
the same sequence that selects as other tokens do, in which any trigger is found.

${markdownTable([['experts, k', 'trace', ...RATIOS.map(ratio => `${ratio} times`), 'false alarms'], ...rows])}
`
  ));
