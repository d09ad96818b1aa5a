/** Format sensitivity: how often planted formats are found to move routing more than as many arbitrary tokens, and how often one is found where formats are tokens like others. */
import { randomNumbers } from '../../src/base/statistics/random';
import type { RoutingSample } from '../../src/base/protocol';
import { FormatTally } from '../../src/analyses/format/format-tally';
import { FORMAT_KINDS } from '../../src/analyses/format/text-changes';
import { expectSection, markdownTable } from '../page';
import { cumulatedOf, dirichlet, drawnByTaste } from '../planted-routing';

interface Size {
  experts: number;
  topK: number;
  texts: number;
}

const SIZES: Size[] = [
  { experts: 8, topK: 2, texts: 12 },
  { experts: 32, topK: 4, texts: 20 },
  { experts: 64, topK: 8, texts: 30 }
];
const MOVED = [0.02, 0.05, 0.1, 0.2];
const DRAWS = 10;
const ALARM_DRAWS = 30;
const LENGTH = 60;
const ADDED = 12;

/**
 * Texts with a variant of each kind that has twelve tokens more. Of the first kind, its text is read in another way: this
 * share of all tokens selects the last expert.
 */
function tallyOf(
  { experts, topK, texts }: Size,
  seed: number,
  moved: number
): FormatTally {
  const random = randomNumbers(seed);
  const tally = new FormatTally();
  for (let text = 0; text < texts; text++) {
    const taste = cumulatedOf(dirichlet(experts, 8 * experts, random));
    const choose = (): number[] => drawnByTaste(taste, topK, new Set(), random);
    const plain = Array.from({ length: LENGTH }, choose);
    const sampleOf = (rows: readonly number[][]): RoutingSample => ({
      id: '',
      tokens: rows.map((_, position) => ({ position, id: position })),
      layers: [
        {
          layer: 0,
          experts,
          topK,
          score: 'softmax',
          logitsAre: 'logits',
          logits: new Float32Array(),
          selected: Int32Array.from(rows.flat()),
          weights: new Float32Array()
        }
      ]
    });
    /** Half of the tokens are routed anew, since what stands around them changed. */
    const changed = (share: number): RoutingSample =>
      sampleOf(
        [...plain, ...Array.from({ length: ADDED }, choose)]
          .map(row => (random() < 0.5 ? choose() : row))
          .map(row =>
            random() < share && !row.includes(experts - 1)
              ? [experts - 1, ...row.slice(1)]
              : row
          )
      );
    tally.add(
      sampleOf(plain),
      FORMAT_KINDS.map((kind, i) => ({
        kind,
        variant: changed(i === 0 ? moved : 0),
        arbitrary: changed(0)
      }))
    );
  }
  return tally;
}

const percent = (part: number, all: number): string =>
  `${((100 * part) / all).toFixed(0)} %`;
const rows: string[][] = [];

it.each(SIZES)('$experts experts, $texts texts', size => {
  const powers = MOVED.map(moved => {
    let found = 0;
    for (let seed = 0; seed < DRAWS; seed++) {
      const [first] = tallyOf(size, seed, moved).effects([FORMAT_KINDS[0]]);
      found += first.experts.some(
        ({ expert, gain }) => expert === size.experts - 1 && gain > 0
      )
        ? 1
        : 0;
    }
    return found;
  });
  let alarms = 0;
  for (let seed = 0; seed < ALARM_DRAWS; seed++) {
    alarms += tallyOf(size, 1000 + seed, 0)
      .effects(FORMAT_KINDS)
      .some(
        ({ verdict, experts }) => verdict !== 'unclear' || experts.length > 0
      )
      ? 1
      : 0;
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
    'format sensitivity',
    `## Format sensitivity

Planted: texts, a variant of each with ${ADDED} tokens more, and an arbitrary change of as many, in which half of the tokens are
routed anew; in variants of one kind of format of seven, 2 to 20 % of the tokens select one expert. Found: the expert is named
among those that this kind moves selections to, of ${DRAWS} models. False alarms: models without anything planted in which any of
the seven kinds has a verdict or names an expert.

${markdownTable([['experts, k', 'texts', ...MOVED.map(share => `${100 * share} %`), 'false alarms'], ...rows])}
`
  ));
