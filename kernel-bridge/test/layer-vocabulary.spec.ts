/** What experts say: on the demo model beside a statistic of other texts, and for odd input. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  loadModel,
  type MoEModel,
  type PromptObject,
  type VocabularyDocument
} from '../src';
import { randomNumbers } from '../src/base/statistics/random';
import { mean } from '../src/base/statistics/summary';
import { promptsFile, run } from './run-cli';
import { tinyMoE, type TinyOptions } from './tiny-moe';
import { DEMO, REPOSITORY } from './zoo';

const DOMAINS = [
  'english',
  'python',
  'c',
  'data',
  'french',
  'german',
  'spanish'
];

function demoPrompts(): PromptObject[] {
  return DOMAINS.flatMap(domain =>
    readFileSync(join(DEMO, `data/${domain}.jsonl`), 'utf8')
      .trim()
      .split('\n')
      .map(line => ({
        domain,
        text: (JSON.parse(line) as { text: string }).text
      }))
  );
}

/** TypeScript's messages in a language: the same sentences in each, and no text of the demo's. */
function messages(language: string): string {
  const file = `node_modules/typescript/lib/${language}/diagnosticMessages.generated.json`;
  const found = JSON.parse(
    readFileSync(join(REPOSITORY, file), 'utf8')
  ) as Record<string, string>;
  return Object.values(found).join('\n').slice(0, 60_000);
}

/** By token: how often it stands in German over that and the most often in another language; NaN: in none. */
function germanShares(model: MoEModel): number[] {
  const [german, ...others] = ['de', 'es', 'fr', 'it'].map(language => {
    const counts = new Float64Array(2048);
    const ids = model.tokenizer!.encode(messages(language));
    ids.forEach(id => (counts[id] += 1 / ids.length));
    return counts;
  });
  return Array.from(
    german,
    (rate, id) => rate / (rate + Math.max(...others.map(own => own[id])))
  );
}

describe('the demo model', () => {
  let model: MoEModel;
  beforeAll(async () => {
    model = await loadModel(DEMO);
  });
  afterAll(() => model.dispose());

  it('has a German expert whose tokens are German by other texts', async () => {
    const { raised, lowered, untrained, contrastWith, effect } =
      await model.expertVocabulary({
        layer: 2,
        expert: 2,
        prompts: demoPrompts(),
        top: 20,
        evidence: false
      });
    expect({ contrastWith, effect }).toEqual({
      contrastWith: 'all experts',
      effect: 'total'
    });
    const shares = germanShares(model);
    const listed = raised
      .map(({ id }) => shares[id])
      .filter(share => !Number.isNaN(share));
    expect(listed.length).toBeGreaterThanOrEqual(10);
    // As many tokens drawn at random are as German in less than 1 % of draws.
    const known = shares.filter(share => !Number.isNaN(share));
    const random = randomNumbers(1);
    const drawn = Array.from({ length: 9999 }, () =>
      mean(listed.map(() => known[Math.floor(random() * known.length)]))
    );
    expect(drawn.filter(own => own >= mean(listed)).length).toBeLessThanOrEqual(
      99
    );
    // Bytes that no text has are untrained: C0, C1 and F5 to FF.
    expect(untrained).toMatchObject({
      centre: 'tokens that no text has',
      known: 13,
      knownBelow: 13,
      seenBelow: 0,
      why: null
    });
    const texts = [...raised, ...lowered].map(({ text }) => text);
    expect(texts.filter(text => /^<0x(F[5-9A-F]|C[01])>$/.test(text!))).toEqual(
      []
    );
  }, 300_000);
});

const LISTS = [
  [3, 14, 15, 9, 26, 5, 35, 8, 9, 7],
  [9, 32, 38, 46, 26, 43, 38, 32, 7, 9],
  [2, 7, 18, 28, 18, 28, 45, 9, 4, 5],
  [1, 4, 14, 21, 35, 6, 23, 7, 30, 9]
];
const IDS = LISTS.map(inputIds => ({ inputIds }));

async function withTiny<T>(
  options: TinyOptions,
  work: (model: MoEModel) => Promise<T>
): Promise<T> {
  const model = await loadModel(tinyMoE(options).save());
  try {
    return await work(model);
  } finally {
    await model.dispose();
  }
}

it('says of each token which experts raise it, as the lists do', () =>
  withTiny({}, async model => {
    const result = await model.layerVocabulary({ layer: 1, prompts: IDS });
    const served = result.experts.filter(({ tokens }) => tokens > 0);
    expect(served.length).toBeGreaterThan(3);
    expect(served.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(2 * 40);
    const [first] = served[0].raised;
    const token = result.tokens.find(({ id }) => id === first.id)!;
    expect(
      token.experts.find(({ expert }) => expert === served[0].expert)
    ).toMatchObject({ contrast: first.contrast, halfWidth: first.halfWidth });
    const contrasts = token.experts.map(({ contrast }) => contrast);
    expect(contrasts).toEqual([...contrasts].sort((a, b) => b - a));
    expect(result.expertsOf(first.id)).toEqual(token.experts);
  }));

it('has the same direct and total effect in the last layer, and another one before it', () =>
  withTiny({}, async model => {
    const listsOf = async (
      layer: number,
      effect: 'direct' | 'total'
    ): Promise<number[]> => {
      const { experts } = await model.layerVocabulary({
        layer,
        prompts: IDS,
        top: 50,
        evidence: false,
        effect
      });
      const found = experts.find(({ tokens }) => tokens > 5)!;
      return [...found.raised, ...found.lowered]
        .sort((a, b) => a.id - b.id)
        .map(({ contrast }) => contrast!);
    };
    const last = await listsOf(1, 'total');
    expect(last.length).toBeGreaterThan(10);
    (await listsOf(1, 'direct')).forEach((contrast, i) =>
      expect(contrast).toBeCloseTo(last[i], 4)
    );
    expect(await listsOf(0, 'total')).not.toEqual(await listsOf(0, 'direct'));
  }));

/** As OLMoE: a weight is a share of all experts, so that a masked expert changes it where it is not selected, too. */
const unnormalized: TinyOptions['router'] = (
  b,
  x,
  { experts, topK, hidden }
) => {
  const logits = b.op('MatMul', [x, b.weight([hidden, experts], 2)]);
  const [weights, selected] = b.many(
    'TopK',
    [b.op('Softmax', [logits], { axis: -1 }), b.ints([topK])],
    2
  );
  return { selected, weights };
};

it.each<[string, TinyOptions]>([
  ['weights of the selected that sum to 1', { experts: 16 }],
  ['weights that are shares of all', { experts: 16, router: unnormalized }]
])(
  'measures the loss of all next tokens with the expert and ablated: %s',
  (_, options) =>
    withTiny(options, async model => {
      const result = await model.layerVocabulary({ layer: 1, prompts: IDS });
      const { expert, evidence } = result.experts.find(
        ({ evidence: own, prompts }) =>
          own?.raised && own.others && prompts < IDS.length
      )!;
      const lossOf = async (
        target: Pick<MoEModel, 'trace'>
      ): Promise<number> => {
        const losses: number[] = [];
        for (const ids of LISTS) {
          const { outputLogits } = await target.trace(ids, { logits: 'all' });
          const { data } = [...outputLogits.values()][0];
          for (let t = 0; t + 1 < ids.length; t++) {
            const row = [...data.subarray(t * 50, (t + 1) * 50)];
            const total = row.reduce((sum, value) => sum + Math.exp(value), 0);
            losses.push(Math.log(total) - row[ids[t + 1]]);
          }
        }
        return mean(losses);
      };
      const { raised, others, mode } = evidence!;
      expect(mode).toBe('mask');
      expect(raised!.tokens + others!.tokens).toBe(36);
      const all = (key: 'loss' | 'lossWithout'): number =>
        (raised![key] * raised!.tokens + others![key] * others!.tokens) / 36;
      expect(all('loss')).toBeCloseTo(await lossOf(model), 4);
      expect(all('lossWithout')).toBeCloseTo(
        await lossOf(model.with({ ablate: [{ layer: 1, expert, mode }] })),
        4
      );
    })
);

describe('a defined answer to odd input', () => {
  it.each([
    ['one prompt', {}, IDS.slice(0, 1)],
    ['one token', {}, [{ inputIds: [3] }]]
  ])('%s: no interval, no certainty', (_, options, prompts) =>
    withTiny(options, async model => {
      const { experts, notes, untrained } = await model.layerVocabulary({
        layer: 1,
        prompts
      });
      const served = experts.filter(({ tokens }) => tokens > 0);
      expect(served.length).toBeGreaterThanOrEqual(2);
      served.forEach(own => {
        expect(own.raised.length).toBeGreaterThan(0);
        expect(own.raised.every(({ certain }) => certain === null)).toBe(true);
        expect(own.notes).toContain(
          'one prompt selects it: there are no intervals'
        );
      });
      expect(notes).toEqual([
        'the prompts have no domain: domains cannot be compared',
        'the model has no tokenizer: token types are unknown'
      ]);
      expect(untrained.ids).toEqual([]);
      expect(untrained.why).not.toBeNull();
    })
  );

  it('an expert that no token selects', () =>
    withTiny({ experts: 32 }, async model => {
      const { experts } = await model.layerVocabulary({
        layer: 1,
        prompts: [[3]]
      });
      const idle = experts.filter(({ tokens }) => tokens === 0);
      expect(idle).toHaveLength(30);
      expect(idle[0]).toMatchObject({
        raised: [],
        lowered: [],
        evidence: null,
        notes: ['no token of the prompts selects it']
      });
    }));

  it.each([
    ['two experts, one a token', { experts: 2, topK: 1 }, 'drop'],
    ['every expert is selected', { experts: 4, topK: 4 }, 'drop']
  ])('%s', (_, options) =>
    withTiny(options, async model => {
      const { experts } = await model.layerVocabulary({
        layer: 1,
        prompts: IDS
      });
      const served = experts.filter(({ tokens }) => tokens > 0);
      expect(served.length).toBeGreaterThan(0);
      served.forEach(({ evidence, raised }) => {
        expect(['mask', 'drop']).toContain(evidence!.mode);
        expect(raised.every(({ contrast }) => contrast! > 0)).toBe(true);
      });
    })
  );

  it.each([
    ['no prompts', { prompts: [] }, /there are no prompts/],
    ['no experts', { prompts: IDS, experts: [] }, /list of experts is empty/],
    ['an expert too many', { prompts: IDS, experts: [8] }, /no expert 8/],
    ['no list', { prompts: IDS, top: 0 }, /there is no top 0/]
  ])('%s', (_, options, message) =>
    withTiny({}, async model => {
      await expect(
        model.layerVocabulary({ layer: 1, ...options })
      ).rejects.toMatchObject({
        code: 'input',
        message: expect.stringMatching(message) as string
      });
    })
  );
});

it('prints one JSON document', async () => {
  const { code, stdout, stderr } = await run([
    'vocabulary',
    tinyMoE().save(),
    '--prompts',
    promptsFile(...LISTS.map((input_ids, i) => ({ id: `${i}`, input_ids }))),
    '--layer',
    '1',
    '--top',
    '3',
    '--json'
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const { schema, layer, experts } = JSON.parse(stdout) as VocabularyDocument;
  expect({ schema, layer }).toEqual({
    schema: 'moe-debugger/vocabulary@1',
    layer: 1
  });
  expect(experts).toHaveLength(8);
  expect(experts[0].raised.length).toBeLessThanOrEqual(3);
});
