/**
 * How often causalExperts finds planted effects, and how often something where nothing is. Writes its section of
 * docs/analyses.md.
 */
import { loadModel, type CausalityResult, type MoEModel } from '../../src';
import {
  testExperts,
  type TestedExpert
} from '../../src/analyses/causality/test-experts';
import { expectSection, markdownTable } from '../page';
import { DEMO } from '../zoo';
import { NOISES, plantedChanges } from './planted-changes';

const ALPHA = 0.05;
const FACTORS = [0.5, 1, 2];
const KINDS = Object.keys(NOISES) as (keyof typeof NOISES)[];

interface Size {
  prompts: number;
  layers: number;
  experts: number;
  topK: number;
  /** Seeds without a planted effect, and of these those that are tried with one, too. */
  seeds: number;
  trials: number;
  /** Random exchanges for each test: fewer than by default, for speed. */
  draws: number;
}

const MANY = { seeds: 6, trials: 3, draws: 100 };
const SIZES: Size[] = [
  {
    ...{ prompts: 5, layers: 12, experts: 8, topK: 2 },
    ...{ seeds: 45, trials: 12, draws: 300 }
  },
  {
    ...{ prompts: 20, layers: 12, experts: 8, topK: 2 },
    ...{ seeds: 30, trials: 10, draws: 100 }
  },
  { prompts: 20, layers: 12, experts: 64, topK: 4, ...MANY },
  { prompts: 60, layers: 48, experts: 8, topK: 2, ...MANY }
];

function run(
  size: Size,
  seed: number,
  planted?: { expert: number; effect: number }
): TestedExpert[] {
  const { rows } = testExperts(
    plantedChanges({
      ...size,
      seed,
      noise: KINDS[seed % KINDS.length],
      planted
    }),
    size.prompts,
    { alpha: ALPHA, seed, draws: size.draws * size.layers * size.experts }
  );
  return rows;
}

interface Figures {
  alarms: number;
  found: number[];
  /** Experts that were called causal, and of these others than the planted one. */
  causal: number;
  wrong: number;
  /** Sum over trials and factors of the share of others among those found. */
  falseShares: number;
}

function figures(size: Size): Figures {
  const found = FACTORS.map(() => 0);
  let [alarms, causal, wrong, falseShares] = [0, 0, 0, 0];
  for (let seed = 0; seed < size.seeds; seed++) {
    const nothing = run(size, seed);
    alarms += nothing.some(row => row.causal) ? 1 : 0;
    if (seed >= size.trials) {
      continue;
    }
    // In turn the expert that takes most tokens of its layer and one that takes few, if enough prompts select that.
    const { expert, detectable, compared } = [seed % 2, 0]
      .map(own => nothing.find(row => row.router === 0 && row.expert === own)!)
      .find(row => row.detectable !== null)!;
    FACTORS.forEach((factor, i) => {
      const called = run(size, seed, {
        expert,
        // The excess is a mean over all prompts, the effect one of those that select the expert.
        effect: (-factor * detectable! * size.prompts) / compared
      }).filter(row => row.causal);
      const others = called.filter(
        row => row.router !== 0 || row.expert !== expert
      ).length;
      found[i] += called.length > others ? 1 : 0;
      causal += called.length;
      wrong += others;
      falseShares += others / Math.max(1, called.length);
    });
  }
  return {
    alarms,
    found: found.map(count => count / size.trials),
    causal,
    wrong,
    falseShares
  };
}

/** The largest mean of a share that is at most alpha, by two standard errors. */
const atMost = (trials: number): number =>
  ALPHA + 2 * Math.sqrt((ALPHA * (1 - ALPHA)) / trials);

const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0);

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

it('finds what it says it can find, and nothing where nothing is', () => {
  const all = SIZES.map(figures);
  const seeds = sum(SIZES.map(size => size.seeds));
  expect(sum(all.map(({ alarms }) => alarms)) / seeds).toBeLessThanOrEqual(
    atMost(seeds)
  );
  const trials = sum(SIZES.map(size => size.trials));
  expect(
    sum(all.map(({ falseShares }) => falseShares)) / FACTORS.length / trials
  ).toBeLessThanOrEqual(atMost(trials));
  const mean = (factor: number): number =>
    sum(all.map(({ found }, i) => found[factor] * SIZES[i].trials)) / trials;
  expect(mean(0)).toBeLessThan(0.5);
  expect(mean(1)).toBeGreaterThanOrEqual(0.7);
  expect(mean(2)).toBeGreaterThanOrEqual(0.95);
  expectSection(
    'analyses.md',
    'causal experts',
    `Planted: ablating one expert changes the criterion in every prompt that selects it, by a multiple of the excess that the
result calls detectable (with 80 % probability): in half of the trials the expert that takes most tokens of its layer, in half
one that takes few. All other changes are noise that depends on load, layer and prompt: normal, double exponential or skewed, in
turn. False alarms: trials without any effect in which some expert was called causal (adjusted p <= 0.05). False among found:
other experts than the planted one.

${markdownTable([
  [
    'prompts',
    'layers x experts, k',
    ...FACTORS.map(factor => `found at ${factor} x`),
    'false among found',
    'false alarms'
  ],
  ...SIZES.map((size, i) => [
    String(size.prompts),
    `${size.layers} x ${size.experts}, ${size.topK}`,
    ...all[i].found.map(percent),
    `${all[i].wrong} of ${all[i].causal}`,
    `${all[i].alarms} of ${size.seeds}`
  ])
])}`
  );
});

it('has an interval above 0 exactly where an expert is causal', () => {
  const size = SIZES[1];
  const detectable = run(size, 3).find(
    ({ router, expert }) => router === 0 && expert === 0
  )!.detectable!;
  const rows = run(size, 3, { expert: 0, effect: -3 * detectable });
  expect(rows.filter(({ causal }) => causal).length).toBeGreaterThan(0);
  expect(rows.filter(({ interval }) => interval === null)).toEqual([]);
  expect(rows.map(({ interval }) => interval![0] > 0)).toEqual(
    rows.map(({ causal }) => causal)
  );
});

/** Written for this test; the rules were chosen on other sentences. */
const GERMAN = [
  'Der alte Bäcker öffnet jeden Tag seinen kleinen Laden',
  'Am Abend sitzen die Kinder vor dem warmen Ofen',
  'Wir haben gestern einen langen Brief geschrieben',
  'Im Winter liegt auf den Bergen viel Schnee',
  'Meine Schwester wohnt seit zwei Jahren in Berlin',
  'Die Katze schläft unter dem großen Tisch',
  'Er hat den Schlüssel in der Küche vergessen',
  'Nach dem Regen waren alle Straßen nass',
  'Das neue Buch wurde von vielen Menschen gelesen',
  'Die Lehrerin erklärt den Schülern die Aufgabe',
  'Heute morgen ist der Zug nicht gekommen',
  'Unser Nachbar arbeitet oft in seinem Garten',
  'Der Fluss fließt langsam durch das grüne Tal',
  'Sie wollte ihm die ganze Wahrheit sagen',
  'Auf dem Markt werden Äpfel und Birnen verkauft',
  'Die Stadt ist in den letzten Jahren gewachsen',
  'Ohne deine Hilfe hätte ich das nicht geschafft',
  'Der Arzt kommt erst am nächsten Montag zurück',
  'Viele Gäste blieben bis spät in die Nacht',
  'Man kann von hier aus das Meer sehen'
];
const ENGLISH = [
  'The baker opens his small shop every day',
  'In the evening the children sit by the fire',
  'Yesterday we wrote a very long letter',
  'My sister has lived in the city for two years',
  'The cat sleeps under the large table',
  'After the rain all the streets were wet',
  'The teacher explains the task to the students',
  'This morning the train did not arrive',
  'She wanted to tell him the whole truth',
  'The town has grown in recent years'
];

describe('the German expert of the demo, layer 2 expert 2', () => {
  let model: MoEModel;
  let german: CausalityResult;
  const rowOf = ({ rows }: CausalityResult, layer: number, expert: number) =>
    rows.find(row => row.layer === layer && row.expert === expert)!;
  beforeAll(async () => {
    model = await loadModel(DEMO);
    german = await model.causalExperts(GERMAN, { criterion: { text: 'own' } });
  });
  afterAll(() => model.dispose());

  it('is found on 20 German sentences, among few', () => {
    expect(german.rows).toHaveLength(48);
    expect(german.causal.length).toBeLessThan(5);
    const [first] = [...german.rows].sort((a, b) => a.p - b.p);
    expect(first).toMatchObject({ layer: 2, expert: 2 });
    expect(first.change).toBeLessThan(0);
    expect(first.interval![0]).toBeGreaterThan(0);
    expect(first.excess).toBeGreaterThan(first.detectable!);
    expect(first.pFamilywise).toBeLessThanOrEqual(ALPHA);
    // It has nearly all routing weight of its layer, and the result says so.
    expect(first.matchedWeight).toBeLessThan(0.5);
    expect(german.notes.join('\n')).toMatch(
      /layer 2 expert 2 has [\d.]+ times the routing weight/
    );
  });

  it('changes as much of the loss as the model with that edit does', async () => {
    const ids = GERMAN.map(text => model.tokenizer!.encode(text));
    const losses = async (edited: Pick<MoEModel, 'trace'>) => {
      const { outputLogits } = await edited.trace(
        ids.map((inputIds, i) => ({ id: String(i), inputIds })),
        { logits: 'all' }
      );
      return ids.map((own, i) => {
        const { data, width } = outputLogits.get(String(i))!;
        const logs = own.slice(1).map((id, t) => {
          const row = Array.from(data.subarray(t * width, (t + 1) * width));
          const most = Math.max(...row);
          return (
            row[id] -
            most -
            Math.log(row.reduce((sum, v) => sum + Math.exp(v - most), 0))
          );
        });
        return logs.reduce((sum, log) => sum + log, 0) / logs.length;
      });
    };
    const before = await losses(model);
    const after = await losses(
      model.with({ ablate: [{ layer: 2, expert: 2 }] }) as never
    );
    const change =
      after.reduce((sum, loss, i) => sum + loss - before[i], 0) / ids.length;
    expect(rowOf(german, 2, 2).change).toBeCloseTo(change, 3);
  });

  it('is not found among English sentences, nor is a control expert', async () => {
    const english = await model.causalExperts(ENGLISH, {
      criterion: { text: 'own' },
      layers: [2]
    });
    expect(rowOf(english, 2, 2).causal).toBe(false);
    // The expert of layer 2 that takes most English tokens.
    const popular = [...english.rows].sort((a, b) => b.load - a.load)[0];
    expect(popular.load).toBeGreaterThan(0);
    expect(rowOf(german, 2, popular.expert).causal).toBe(false);
  });
});
