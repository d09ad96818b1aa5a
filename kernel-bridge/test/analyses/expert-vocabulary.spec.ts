/**
 * What experts say: how often planted tokens are listed, and how often tokens are called certain where nothing is planted.
 * Writes its section of docs/analyses.md.
 */
import { loadModel, type LayerVocabulary, type LogitChange } from '../../src';
import { expectSection, markdownTable } from '../page';
import { plantedVocabulary, type PlantedModel } from '../planted-vocabulary';

/** In nats. */
const STRENGTHS = [0.25, 0.5, 1, 2];
const LENGTH = 32;
const TOP = 10;

/** Experts, k, vocabulary, untrained tokens, texts, models. */
const SIZES = [
  [8, 2, 256, 16, 12, 1],
  [8, 2, 256, 16, 36, 1],
  [16, 2, 384, 48, 36, 1]
] as const;

async function vocabularyOf(
  planted: PlantedModel,
  texts: number,
  seed: number
): Promise<LayerVocabulary> {
  const model = await loadModel(planted.graph.save());
  try {
    return await model.layerVocabulary({
      layer: 0,
      prompts: planted.texts(texts, LENGTH, seed),
      top: TOP,
      evidence: false,
      // There are no later layers.
      effect: 'direct'
    });
  } finally {
    await model.dispose();
  }
}

const has = (list: readonly LogitChange[], wanted: readonly number[]): number =>
  list.filter(({ id }) => wanted.includes(id)).length;

const percent = (part: number, all: number): string =>
  `${((100 * part) / all).toFixed(0)} %`;

const rows: string[][] = [];

it.each(SIZES)(
  'finds what was planted in %i experts, k = %i, %i tokens of which %i are untrained, with %i texts',
  async (experts, topK, vocabulary, untrained, texts, models) => {
    const listed = STRENGTHS.map(() => ({ found: 0, of: 0 }));
    let [leftOut, trained] = [0, 0];
    let [alarms, asked] = [0, 0];
    for (let draw = 0; draw < models; draw++) {
      const shape = { experts, topK, vocabulary };
      const seed = 1000 * draw + experts + texts;
      // Every second expert says something.
      const strengths = Array.from({ length: experts }, (_, e) =>
        e % 2 === 0 ? STRENGTHS[(e / 2) % STRENGTHS.length] : 0
      );
      const planted = plantedVocabulary({
        ...shape,
        strengths,
        untrained,
        seed
      });
      const result = await vocabularyOf(planted, texts, seed);
      result.experts.forEach(({ raised, tokens }, e) => {
        const own = listed[STRENGTHS.indexOf(strengths[e])];
        if (own && tokens > 0) {
          own.of += planted.tokens[e].length;
          own.found += has(
            raised.filter(({ certain }) => certain),
            planted.tokens[e]
          );
        }
      });
      const { ids } = result.untrained;
      leftOut += ids.filter(id => planted.untrained.includes(id)).length;
      trained += ids.filter(id => !planted.untrained.includes(id)).length;

      const empty = await vocabularyOf(
        plantedVocabulary({
          ...shape,
          strengths: strengths.map(() => 0),
          untrained: 0,
          seed: seed + 500
        }),
        texts,
        seed + 500
      );
      for (const { raised, lowered, tokens } of empty.experts) {
        asked += Number(tokens > 0);
        alarms += Number(
          [...raised, ...lowered].some(({ certain }) => certain)
        );
      }
      trained += empty.untrained.ids.length;
    }
    rows.push([
      `${experts}, ${topK}`,
      String(vocabulary),
      `${texts}`,
      ...listed.map(({ found, of }) => percent(found, of)),
      `${alarms} of ${asked}`,
      `${leftOut} of ${untrained * models}`,
      String(trained)
    ]);
    expect(alarms).toBeLessThanOrEqual(1 + 0.05 * asked);
    expect(leftOut).toBe(untrained * models);
    expect(trained).toBe(0);
    if (texts > 12) {
      expect(listed[3].found / listed[3].of).toBeGreaterThanOrEqual(0.9);
    }
  }
);

it('docs/analyses.md has the table', () =>
  expectSection(
    'analyses.md',
    'expert vocabulary',
    `## What experts say

Planted: every second expert of a layer adds the unembedding rows of three tokens, 0.25 to 2 times, on top of a direction that
raises twelve tokens by 6 nats and that all experts share. All experts also add noise that depends on the token, with no mean over
texts, and that goes one way within a text. Texts have ${LENGTH} tokens. Found: \`layerVocabulary\` lists a planted token among the ${TOP} that
its expert raises most, and calls it certain. False alarms: experts of layers without anything planted for which any token
is called certain. Untrained rows of the unembedding are one vector and a little noise each; those that were left out, and
trained tokens that were left out, models without untrained rows included.

${markdownTable([
  [
    'experts, k',
    'vocabulary',
    'texts',
    ...STRENGTHS.map(strength => `${strength} times`),
    'false alarms',
    'untrained left out',
    'trained left out'
  ],
  ...rows
])}
`
  ));
