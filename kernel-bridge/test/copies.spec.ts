/** Copies are no further evidence: every statistic over prompts is that of the distinct ones, and a note counts the copies. */
import {
  balanceLoad,
  compressionPlan,
  formatSensitivity,
  loadModel,
  type BalancePlan,
  type CompressionPlan,
  type MoEModel,
  type PromptPair
} from '../src';
import { randomNumbers } from './graph-builder';
import { tinyMoE } from './tiny-moe';
import { DEMO } from './zoo';

const VOCABULARY = 50;
const COPIED =
  /^9 of 10 (prompts|texts|pairs) are copies of others and are counted once/m;

let tiny: MoEModel;
beforeAll(async () => {
  tiny = await loadModel(tinyMoE({ norms: true, seed: 3 }).save());
});
afterAll(() => tiny.dispose());

/** Distinct prompts of one length: the first is the same for any count. */
function prompts(count: number, length = 8): number[][] {
  const random = randomNumbers(5);
  return Array.from({ length: count }, () =>
    Array.from({ length }, () => Math.floor(random() * VOCABULARY))
  );
}

function copies<T>(one: T, count = 10): T[] {
  return Array.from({ length: count }, () => one);
}

/** The document of a result without its notes, which say what was given. */
function judgement(result: { toJSON(): object }): unknown {
  return JSON.parse(
    JSON.stringify({
      ...result.toJSON(),
      notes: undefined,
      warnings: undefined
    })
  );
}

describe('ten copies of one prompt say what one says, and that they are copies', () => {
  const [ids] = prompts(1);

  it('of causal experts', async () => {
    const options = { criterion: { token: 7 } };
    const ten = await tiny.causalExperts(copies(ids), options);
    expect(ten.notes.join('\n')).toMatch(COPIED);
    expect(judgement(ten)).toEqual(
      judgement(await tiny.causalExperts([ids], options))
    );
    expect(ten.toJSON()).toMatchObject({ prompts: 1, tests: 0 });
    expect(
      ten.rows.map(({ causal, interval, p }) => [causal, interval, p])
    ).toEqual(ten.rows.map(() => [false, null, 1]));
  });

  it('of the words of a layer', async () => {
    const options = { layer: 0, top: 5 };
    const ten = await tiny.layerVocabulary({
      ...options,
      prompts: copies(ids)
    });
    expect(ten.notes.join('\n')).toMatch(COPIED);
    expect(judgement(ten)).toEqual(
      judgement(await tiny.layerVocabulary({ ...options, prompts: [ids] }))
    );
    const served = ten.experts.filter(({ raised }) => raised.length > 0);
    expect(served.length).toBeGreaterThan(1);
    expect(
      served.flatMap(({ raised }) =>
        raised.map(({ certain, halfWidth }) => [certain, halfWidth])
      )
    ).toEqual(served.flatMap(({ raised }) => raised.map(() => [null, null])));
  });

  it('of formats, where no verdict is left', async () => {
    const demo = await loadModel(DEMO);
    try {
      const text = 'Der Wald war still und die Kinder gingen nach Hause';
      const ten = await formatSensitivity(demo, copies(text));
      expect(ten.notes.join('\n')).toMatch(COPIED);
      expect(judgement(ten)).toEqual(
        judgement(await formatSensitivity(demo, [text]))
      );
      expect(ten.kinds.map(({ correctedP }) => correctedP)).toEqual(
        ten.kinds.map(() => null)
      );
    } finally {
      await demo.dispose();
    }
  });

  it('of the circuit of a task', async () => {
    const pair = { clean: [3, 1, 4, 1, 5], corrupted: [3, 9, 4, 1, 5] };
    const options = { ...QUICK, edges: false };
    const ten = await tiny.taskCircuit(copies(pair), options);
    expect(ten.data.notes.join('\n')).toMatch(COPIED);
    expect(judgement(ten)).toEqual(
      judgement(await tiny.taskCircuit([pair], options))
    );
    expect(ten.data.pairs).toHaveLength(1);
    expect(ten.data.heldOut).toEqual([]);
  });

  it.each([
    ['compression', () => compressionPlan(tiny, copies(ids), { keep: 6 })],
    ['balance', () => balanceLoad(tiny, copies(ids))]
  ])('of a %s plan, which then has nothing to be tried on', async (_, plan) => {
    await expect(plan()).rejects.toMatchObject({
      code: 'input',
      message: expect.stringMatching(
        /no held-out prompt is left: 9 of 10 prompts are copies/
      )
    });
  });
});

const QUICK = {
  target: { kind: 'logit', token: 7 },
  steps: 1,
  resamples: 20,
  randomCircuits: 1,
  controls: 3
} as const;

it('copies among distinct prompts change nothing, whatever they are called', async () => {
  const given = prompts(6);
  const [first, ...others] = given;
  const mixed = [
    first,
    { inputIds: first, id: 'again', domain: 'other' },
    ...others,
    [...others[2]]
  ];
  const scored: string[] = [];
  const criterion = {
    score: ({ prompt, logits }: { prompt: string; logits: Float32Array }) => {
      scored.push(prompt);
      return logits[7];
    }
  };
  const ten = await tiny.causalExperts(mixed, { criterion });
  // Each keeps the id that it had among all.
  expect([...new Set(scored)].sort()).toEqual(['0', '2', '3', '4', '5', '6']);
  expect(ten.notes.join('\n')).toMatch(
    /^2 of 8 prompts are copies of others and are counted once$/m
  );
  expect(judgement(ten)).toEqual(
    judgement(await tiny.causalExperts(given, { criterion }))
  );
});

type MakePlan = (
  prompts: number[][],
  options?: { heldOut: number[][] }
) => Promise<CompressionPlan | BalancePlan>;

it.each<[string, MakePlan]>([
  [
    'compression',
    (given, options) =>
      compressionPlan(tiny, given, { keep: 6, randomPlans: 1, ...options })
  ],
  ['balance', (given, options) => balanceLoad(tiny, given, options)]
])(
  'a %s plan has no prompt on both sides, and its interval counts each once',
  async (_, plan) => {
    const [a, b, c, d] = prompts(4);
    const plain = await plan([a, b, c, d]);
    // Every second one would have a copy of what the plan is made from.
    const copied = await plan([a, a, b, b, c, c, d, d]);
    expect(copied.warnings.join('\n')).toMatch(
      /^4 of 8 prompts are copies of others/m
    );
    expect(judgement(copied)).toEqual(judgement(plain));
    expect(plain.effect!.all).toMatchObject({ prompts: 2 });

    const given = await plan([a, c], { heldOut: [b, a, d, b] });
    expect(given.warnings.join('\n')).toMatch(
      /^1 of 4 held-out prompts is a copy of another[^]*^1 of 3 held-out prompts is left out/m
    );
    expect(judgement(given)).toEqual(judgement(plain));
    const one = await plan([a], { heldOut: copies(b) });
    expect(one.effect!.all).toMatchObject({
      prompts: 1,
      changeHalfWidth: null
    });
    await expect(plan([a, b], { heldOut: [b, a] })).rejects.toThrow(
      /no held-out prompt is left: 2 of 2 held-out prompts are/
    );
  }
);

it('a circuit is measured on pairs that it was not found from', async () => {
  const [a, b, c, d] = prompts(4, 5).map((clean): PromptPair => ({
    clean,
    corrupted: clean.map((id, i) => (i === 1 ? (id + 1) % VOCABULARY : id))
  }));
  const options = { ...QUICK, edges: false, directions: false };
  const plain = await tiny.taskCircuit([a, b, c, d], options);
  const copied = await tiny.taskCircuit([a, a, b, b, c, c, d, d], options);
  expect(copied.data.notes).toContain(
    '4 of 8 pairs are copies of others and are counted once'
  );
  expect(judgement(copied)).toEqual(judgement(plain));
  const given = await tiny.taskCircuit([a, c], {
    ...options,
    heldOut: [a, b, d]
  });
  expect(given.data.notes.join('\n')).toMatch(
    /^1 of 3 held-out pairs is left out/m
  );
  expect(judgement(given)).toEqual(judgement(plain));
  await expect(
    tiny.taskCircuit([a, c], { ...options, heldOut: [c, a] })
  ).rejects.toThrow(
    /every held-out pair is one that the circuit is found from \(heldOut\)/
  );
});

it('pairs that share one prompt only are distinct', async () => {
  const clean = [3, 1, 4, 1, 5];
  const found = await tiny.taskCircuit(
    [
      { clean, corrupted: [3, 9, 4, 1, 5] },
      { clean, corrupted: [3, 8, 4, 1, 5] },
      { clean, corrupted: { embeddings: 'mean' } },
      { clean: [3, 9, 4, 1, 5], corrupted: clean }
    ],
    { ...QUICK, edges: false, directions: false }
  );
  expect(found.data.notes.join()).not.toMatch(/copies/);
  expect([found.data.pairs.length, found.data.heldOut.length]).toEqual([2, 2]);
});
