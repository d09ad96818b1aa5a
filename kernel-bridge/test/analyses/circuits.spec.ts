/**
 * Circuits over tasks: how often planted edges and directions are confirmed, how often something is where nothing is, and
 * how faithful circuits are on held-out pairs. Writes its section of docs/analyses.md.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  loadModel,
  type MoEModel,
  type PromptPair,
  type TaskCircuitOptions
} from '../../src';
import { confidenceOf } from '../../src/analyses/circuits/task/confidence';
import {
  FRACTIONS,
  fractionSizes,
  modelDistance,
  performanceRatio
} from '../../src/analyses/circuits/task/curve';
import { curveOf } from '../../src/analyses/circuits/task/measure-curve';
import { tryDirections } from '../../src/analyses/circuits/task/directions';
import { PairRunner } from '../../src/analyses/circuits/task/run-pairs';
import { scorePairs } from '../../src/analyses/circuits/task/score-pairs';
import { streamRows } from '../../src/analyses/circuits/task/stream-rows';
import { splitPairs } from '../../src/analyses/circuits/task/split-pairs';
import { CONFIRMED_P } from '../../src/base/protocol';
import { drawn, randomNumbers } from '../../src/base/statistics/random';
import { expectSection, markdownTable } from '../page';
import { temporaryFolder } from '../temporary';
import { tinyMoE } from '../tiny-moe';
import { INDUCTION } from '../zoo';

interface Head {
  layer: number;
  head: number;
}

/** As hooks on the original PyTorch model recorded. */
const HEADS = JSON.parse(
  readFileSync(join(INDUCTION, 'truth.json'), 'utf8')
) as {
  induction_heads: Head[];
  previous_token_heads: Head[];
};
const [PREVIOUS] = HEADS.previous_token_heads;
const PLANTED = HEADS.induction_heads.map(
  ({ layer, head }) =>
    `layer ${PREVIOUS.layer} head ${PREVIOUS.head} > layer ${layer} head ${head} key`
);

const FIRST_ID = 3;
const VOCABULARY = 96;

/** Distinct ids, none of which is left out. */
function ids(random: () => number, count: number, without: number[]): number[] {
  const all = Array.from(
    { length: VOCABULARY - FIRST_ID },
    (_, i) => FIRST_ID + i
  ).filter(id => !without.includes(id));
  return drawn(all, count, random);
}

/** A segment and half of its copy: the token after it follows only while the token before that is in the segment. */
function copying(random: () => number): PromptPair {
  const [other, ...segment] = ids(random, 13, []);
  const clean = [...segment, ...segment.slice(0, 6)];
  return {
    clean,
    corrupted: clean.map((id, i) => (i === 5 ? other : id)),
    target: { kind: 'logit', token: segment[6] }
  };
}

const [ONE, OTHER] = [20, 40];

/** A segment and half of its copy: what follows is one of two tokens. */
function naming(random: () => number): PromptPair {
  const segment = ids(random, 6, [ONE, OTHER]);
  const ending = (token: number): number[] => [
    ...segment.slice(0, 3),
    token,
    ...segment.slice(3, 5),
    ...segment.slice(0, 3)
  ];
  return {
    clean: ending(ONE),
    corrupted: ending(OTHER),
    target: { kind: 'logit-difference', token: ONE, against: OTHER }
  };
}

/** The pair with clean and corrupted exchanged. */
function exchanged({ clean, corrupted, target }: PromptPair): PromptPair {
  return {
    clean: corrupted as number[],
    corrupted: clean,
    ...(target ? { target } : {})
  };
}

const SIZES = [6, 12, 24];
const TASK_SIZES = [12, 14, 18];
const POOL = 25;
const PLANTED_TASKS = 8;
const NULL_TASKS = 40;
const NULL_DIRECTIONS = 3;

let model: MoEModel;
beforeAll(async () => {
  model = await loadModel(INDUCTION);
});
afterAll(() => model.dispose());

/** Effects of all edges in many pairs. */
async function pool(): Promise<{ edges: string[]; effects: Float64Array[] }> {
  const random = randomNumbers(11);
  const pairs = Array.from({ length: POOL }, () => copying(random));
  const { found } = splitPairs(
    model.loaded,
    [exchanged(pairs[0]), ...pairs],
    [copying(random)]
  );
  // Random pairs may repeat: the rates are those of distinct ones.
  expect(found.length).toBeGreaterThan(POOL / 2);
  const graph = await scorePairs(
    new PairRunner(model.loaded, {}),
    found,
    true,
    { direction: 'noising', steps: 2 }
  );
  const [reversed, ...effects] = graph.scored.map(pair => pair.edges);
  // Exchanging clean and corrupted changes the sign of each effect, since both have the same path between them.
  const largest = Math.max(...effects[0].map(Math.abs));
  expect(
    Math.max(...effects[0].map((effect, i) => Math.abs(effect + reversed[i])))
  ).toBeLessThan(1e-4 * largest);
  return {
    edges: graph.edges.map(({ source, reader }) => {
      const { node, input } = graph.readers[reader];
      return `${graph.sources[source].id} > ${node} ${input ?? ''}`;
    }),
    effects
  };
}

async function pValues(rows: Float64Array[], seed: number): Promise<number[]> {
  const found = await confidenceOf(rows, {
    resamples: 0,
    seed,
    columns: [...rows[0].keys()],
    members: () => [],
    step: () => undefined
  });
  return found.map(({ p }) => p);
}

async function edgeRows(): Promise<string[][]> {
  const { edges, effects } = await pool();
  const planted = PLANTED.map(edge => edges.indexOf(edge));
  expect(planted).not.toContain(-1);
  const random = randomNumbers(12);
  const rows: string[][] = [];
  for (const size of SIZES) {
    let found = 0;
    for (let task = 0; task < PLANTED_TASKS; task++) {
      const p = await pValues(drawn(effects, size, random), task);
      found += planted.filter(edge => p[edge] <= CONFIRMED_P).length;
    }
    let alarms = 0;
    for (let task = 0; task < NULL_TASKS; task++) {
      const some = drawn(effects, size, random).map(row =>
        random() < 0.5 ? row : row.map(x => -x)
      );
      const p = await pValues(some, task);
      alarms += p.some(own => own <= CONFIRMED_P) ? 1 : 0;
    }
    // 5 % and three standard errors.
    expect(alarms / NULL_TASKS).toBeLessThanOrEqual(0.155);
    rows.push([
      String(size),
      `${Math.round((100 * found) / (PLANTED_TASKS * planted.length))} %`,
      `${alarms} of ${NULL_TASKS}`
    ]);
  }
  expect(rows.at(-1)![1]).toBe('100 %');
  return rows;
}

/** The least p of the tested direction of 12 pairs that are exchanged at random. */
async function directionOfNothing(
  random: () => number,
  seed: number
): Promise<number> {
  const { found, heldOut } = splitPairs(
    model.loaded,
    Array.from({ length: 12 }, () => naming(random)).map(pair =>
      random() < 0.5 ? pair : exchanged(pair)
    ),
    undefined
  );
  const runner = new PairRunner(model.loaded, {});
  const rows = await runner.each(found, runs =>
    Promise.resolve(streamRows(runs))
  );
  const directions = await tryDirections(runner, found, heldOut, rows, {
    controls: 19,
    seed
  });
  const { steering, removal } = directions.find(
    ({ steering: { p } }) => p !== undefined
  )!;
  return Math.min(steering.p!, removal.p!);
}

async function taskRows(): Promise<string[][]> {
  const random = randomNumbers(13);
  const rows: string[][] = [];
  const options: TaskCircuitOptions = {
    steps: 1,
    resamples: 200,
    randomCircuits: 2
  };
  for (const size of TASK_SIZES) {
    const pairs = Array.from({ length: size }, () => naming(random));
    const found = await model.taskCircuit(pairs, options);
    const { cpr, cmd, random: others } = found.curve!;
    const { layer, steering, removal } = found.directions.find(
      own => own.steering.p !== undefined
    )!;
    expect(cpr.value).toBeGreaterThan(others!.cpr + 0.3);
    expect(cmd.value).toBeLessThan(others!.cmd - 0.3);
    expect([cpr.low! <= cpr.value, cpr.high! >= cpr.value]).toEqual([
      true,
      true
    ]);
    expect(layer).toBe(1);
    expect([steering.share, removal.share]).toEqual([
      expect.closeTo(1, 0),
      expect.closeTo(1, 0)
    ]);
    expect(Math.max(steering.p!, removal.p!)).toBeLessThanOrEqual(0.05);
    let alarms = 0;
    for (let task = 0; task < NULL_DIRECTIONS; task++) {
      alarms += (await directionOfNothing(random, task)) <= 0.05 ? 1 : 0;
    }
    const figure = (value: number): string => value.toFixed(2);
    rows.push([
      String(size),
      `${figure(cpr.value)} (${figure(cpr.low!)} to ${figure(cpr.high!)})`,
      `${figure(cmd.value)} (${figure(cmd.low!)} to ${figure(cmd.high!)})`,
      `${figure(others!.cpr)}, ${figure(others!.cmd)}`,
      `${Math.round(100 * steering.share!)} %, ${Math.round(100 * removal.share!)} %`,
      `${alarms} of ${NULL_DIRECTIONS}`
    ]);
  }
  return rows;
}

describe('docs/analyses.md', () => {
  it('has the power and the false alarms of edges', async () => {
    const edges = await edgeRows();
    expectSection(
      'analyses.md',
      'circuits',
      `Planted: the trained model of [models/induction](../models/induction), whose previous-token head and four induction heads
were recorded in PyTorch. Each pair is a random segment and the beginning of its copy; the corrupted prompt has another
token where the copy ends. Found: an edge from the previous-token head to the keys of an induction head is confirmed
(corrected p at most ${CONFIRMED_P}). False alarms: tasks in which clean and corrupted are exchanged at random in each pair, so that no
effect has a direction, in which any of the 173 edges is confirmed.

${markdownTable([['pairs', 'planted edges found', 'false alarms'], ...edges])}`
    );
  });

  it('has CPR, CMD and directions of tasks', async () => {
    const tasks = await taskRows();
    expectSection(
      'analyses.md',
      'tasks',
      `Pairs in which the segment has one of two tokens where the copy goes on, target: the difference of their logits. Half of
the pairs are held out; CPR and CMD are those on the held-out half, with 95 % intervals, and beside them those of random
circuits. Direction: how much of the difference between the prompts adding it gives, and removing it takes, after the
layer that the search chose. False alarms: tasks of 12 pairs that are exchanged at random in which p is at most 0.05, for
adding or for removing.

${markdownTable([
  ['pairs', 'CPR', 'CMD', 'random circuits', 'direction', 'false alarms'],
  ...tasks
])}`
    );
  });
});

describe('CPR and CMD', () => {
  // From MIB's own evaluation program (evaluate_area_under_curve), with these curves.
  it.each([
    [[0, 0, -0.1, 0.2, 0.4, 0.9, 1.3, 1.1, 0.95, 1], 0.9926, 0.0914],
    [[0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 0.25, 0.749],
    [new Array<number>(10).fill(1), 0.999, 0]
  ])('of %j', (curve, cpr, cmd) => {
    expect(performanceRatio(curve)).toBeCloseTo(cpr, 12);
    expect(modelDistance(curve)).toBeCloseTo(cmd, 12);
  });

  it('round sizes down, as MIB does', () => {
    expect(fractionSizes(173)).toEqual([0, 0, 0, 1, 3, 8, 17, 34, 86, 173]);
    expect(fractionSizes(32491)).toEqual([
      32, 64, 162, 324, 649, 1624, 3249, 6498, 16245, 32491
    ]);
  });

  it('take ratios of means, of the helpful and of the strongest', () => {
    // Two pairs whose differences are 1 and 3: circuits of half give 0.5 and 3, of all the whole.
    const of = (clean: number, half: number): object => ({
      clean,
      corrupted: 0,
      values: [
        FRACTIONS.map(share => (share < 0.5 ? 0 : share < 1 ? half : clean)),
        FRACTIONS.map(share => (share < 1 ? 0 : clean))
      ]
    });
    const curve = curveOf([of(1, 0.5), of(3, 3)] as never, 100, {
      resamples: 10,
      seed: 0
    })!;
    // Not (0.5 + 1) / 2.
    expect(curve.points[8].helpful).toBeCloseTo(3.5 / 4, 12);
    expect(curve.cpr.value).toBeCloseTo(
      (0.3 * 0.875) / 2 + (0.5 * 1.875) / 2,
      12
    );
    expect(curve.cmd.value).toBeCloseTo(0.749, 12);
    // Two pairs are too few for an interval.
    expect(curve.cpr.low).toBeNull();
  });

  it('are undefined without a difference', () => {
    const same = {
      clean: 2,
      corrupted: 2,
      values: [FRACTIONS.map(() => 2), FRACTIONS.map(() => 2)]
    };
    expect(
      curveOf([same, same], 100, { resamples: 10, seed: 0 })
    ).toBeUndefined();
  });
});

describe('odd input', () => {
  let tiny: MoEModel;
  beforeAll(async () => {
    tiny = await loadModel(tinyMoE({ norms: true, seed: 3 }).save());
  });
  afterAll(() => tiny.dispose());

  const CLEAN = [3, 1, 4, 1, 5];
  const CORRUPTED = [3, 9, 4, 1, 5];
  const QUICK: TaskCircuitOptions = { steps: 1, resamples: 20, controls: 2 };

  it('one pair is the circuit of that pair, with nothing confirmed', async () => {
    const target = { kind: 'logit', token: 7 } as const;
    const task = await tiny.taskCircuit(
      [{ clean: CLEAN, corrupted: CORRUPTED }],
      { ...QUICK, target }
    );
    const alone = await tiny.circuit(CLEAN, CORRUPTED, {
      target,
      steps: 1,
      measure: 0,
      faithfulness: false
    });
    expect(
      task.edges.map(({ from, to, effect }) => [from, to, effect])
    ).toEqual(
      alone.edges
        .filter(({ effect }) => effect !== 0)
        .map(({ from, to, effect }) => [from, to, effect])
    );
    expect(task.data.heldOut).toEqual([]);
    expect(task.data.values).toEqual(alone.data.values);
    const { confidence } = task.edges[0];
    expect(confidence).toEqual({ included: null, low: null, high: null, p: 1 });
    expect(task.data.notes.join()).toMatch(/1 pair: what they have in common/);
    expect(task.curve!.points.at(-1)!.strongest).toBeCloseTo(1, 4);
    expect(task.curve!.cpr.low).toBeNull();
  });

  it('the same prompt twice has no circuit, and says so', async () => {
    const none = await tiny.taskCircuit(
      [1, 2, 3, 4].map(id => {
        const clean = [...CLEAN.slice(0, -1), id];
        return { clean, corrupted: clean };
      }),
      QUICK
    );
    expect(none.edges).toEqual([]);
    expect(none.curve).toBeUndefined();
    expect(none.data.notes.join()).toMatch(/4 of 4 pairs have the same prompt/);
    expect(none.data.notes.join()).toMatch(/CPR and CMD are undefined/);
    expect(none.directions.map(({ steering }) => steering.share)).toEqual([
      null,
      null
    ]);
    expect(String(none)).toContain('0 edges confirmed');
    expect(none.toHTML()).toContain('</html>');
  });

  it('pairs can differ in length from each other, and nodes alone be patched', async () => {
    const task = await tiny.taskCircuit(
      [
        { clean: CLEAN, corrupted: CORRUPTED },
        { clean: [1, 2, 3], corrupted: [1, 4, 3], position: 1 },
        { clean: [6, 7], corrupted: { embeddings: 'mean' } },
        { clean: [8, 2, 9, 1], corrupted: [8, 2, 7, 1] }
      ],
      { ...QUICK, edges: false }
    );
    expect(task.data.of).toBe('nodes');
    expect(task.data.pairs).toHaveLength(2);
    expect(task.data.heldOut.map(({ clean }) => clean.length)).toEqual([3, 4]);
    expect(task.curve!.points.at(-1)).toMatchObject({
      size: task.data.total,
      strongest: expect.closeTo(1, 4) as number
    });
  });

  it.each<[string, unknown, object, RegExp]>([
    ['no pairs', [], {}, /no pairs of prompts \(pairs\)/],
    ['no list', 'x', {}, /no pairs of prompts/],
    ['no pair', [{ clean: [1] }], {}, /a clean and a corrupted.*\(pair 1\)/],
    [
      'lengths',
      [
        { clean: CLEAN, corrupted: CORRUPTED },
        { clean: CLEAN, corrupted: [1, 2] }
      ],
      {},
      /pair 2: the clean prompt has 5 tokens.*one 2/
    ],
    [
      'targets',
      [
        { clean: CLEAN, corrupted: CORRUPTED },
        {
          clean: CORRUPTED,
          corrupted: CLEAN,
          target: { kind: 'router', layer: 1, expert: 0 }
        }
      ],
      {},
      /of another kind.*\(pair 2\)/
    ],
    [
      'an unknown target',
      [{ clean: CLEAN, corrupted: CORRUPTED, target: { kind: 'loss' } }],
      {},
      /pair 1: there is no target of kind "loss"/
    ],
    [
      'resamples',
      [{ clean: CLEAN, corrupted: CORRUPTED }],
      { resamples: 0 },
      /resamples/
    ],
    [
      'a layer',
      [{ clean: CLEAN, corrupted: CORRUPTED }],
      { directionLayer: 7 },
      /layer 7 does not reach.*0, 1/
    ]
  ])('%s: refused by name', async (_, pairs, options, message) => {
    await expect(
      tiny.taskCircuit(pairs as PromptPair[], { ...QUICK, ...options })
    ).rejects.toMatchObject({
      code: 'input',
      message: expect.stringMatching(message) as string
    });
  });

  it('a model with edits has the circuit of the model with them', async () => {
    const pair = { clean: CLEAN, corrupted: CORRUPTED };
    const { selected } = (await tiny.trace(CLEAN)).samples[0].layers[1];
    const edited = tiny.with({
      ablate: [{ layer: 1, expert: selected.at(-1)! }]
    });
    const target = { kind: 'logit', token: 7 } as const;
    const task = await edited.taskCircuit([pair], { ...QUICK, target });
    const alone = await edited.circuit(CLEAN, CORRUPTED, {
      target,
      steps: 1,
      measure: 0,
      faithfulness: false
    });
    expect(task.data.values).toEqual(alone.data.values);
    expect(task.edges[0].effect).toBe(alone.edges[0].effect);
    const plain = await tiny.taskCircuit([pair], { ...QUICK, target });
    expect(task.data.values).not.toEqual(plain.data.values);
    expect(task.data.notes.join()).toMatch(/the model had 1 edit/);
  });

  it('can be cancelled, and counts its runs', async () => {
    const stop = new AbortController();
    await expect(
      tiny.taskCircuit([{ clean: CLEAN, corrupted: CORRUPTED }], {
        ...QUICK,
        signal: stop.signal,
        onProgress: ({ done }) => done > 1 && stop.abort()
      })
    ).rejects.toMatchObject({ code: 'cancelled' });
    const seen: number[][] = [];
    await tiny.taskCircuit([{ clean: CLEAN, corrupted: CORRUPTED }], {
      ...QUICK,
      onProgress: ({ done, total }) => seen.push([done, total])
    });
    expect(seen.at(-1)![0]).toBe(seen.at(-1)![1]);
  });

  it('is saved, and drawn with how sure it is', async () => {
    const task = await tiny.taskCircuit(
      Array.from({ length: 12 }, (_, i) => ({
        clean: [3, 10 + i, 4, 1, 5],
        corrupted: [3, 9, 4, 1, 5]
      })),
      { ...QUICK, size: 4, target: { kind: 'logit', token: 2 } }
    );
    expect(task.vectors!.vectors.map(({ layer }) => layer)).toEqual([0, 1]);
    expect(task.vectors!.at(1).vector).toHaveLength(16);
    const shares = task.edges.map(({ confidence }) => confidence!.included!);
    // In each resample four edges, of those that lie on a path to the target.
    const total = shares.reduce((sum, share) => sum + share, 0);
    expect(total).toBeGreaterThan(0);
    expect(total).toBeLessThanOrEqual(4 + 1e-9);
    const folder = temporaryFolder();
    const file = join(folder, 'task.json');
    await task.save(file);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(
      JSON.parse(JSON.stringify(task))
    );
    await expect(task.save(join(folder, 'x.png'))).rejects.toMatchObject({
      code: 'input'
    });
    const { edges } = task.prune(task.data.threshold);
    expect(task.toDOT()).toContain(
      `in ${Math.round(100 * edges[0].confidence!.included!)} %`
    );
    expect(task.toHTML()).toMatch(/id="curve".*id="directions".*id="pairs"/s);
    expect(task.toHTML()).not.toMatch(/<script|src=|href=/);
  });
});

describe('a direction', () => {
  it('is the difference of means, and what steering by it does', async () => {
    const random = randomNumbers(21);
    const pairs = Array.from({ length: 4 }, () => naming(random));
    const task = await model.taskCircuit(pairs, {
      steps: 1,
      edges: false,
      faithfulness: false,
      controls: 1,
      directionLayer: 1
    });
    // Found from the first and the third pair.
    const byHand = await model.steeringVectors({
      positive: [pairs[0], pairs[2]].map(({ clean }) => clean) as number[][],
      negative: [pairs[0], pairs[2]].map(
        ({ corrupted }) => corrupted
      ) as number[][]
    });
    task.vectors!.vectors.forEach(({ vector }, layer) =>
      expect([...vector]).toEqual(
        [...byHand.vectors[layer].vector].map(
          x => expect.closeTo(x, 4) as number
        )
      )
    );
    // The other two are held out: steered by an edit at the last token.
    const difference = async (
      ids: number[],
      steered: boolean
    ): Promise<number> => {
      const last = ids.length - 1;
      const run = steered
        ? model.with({
            steer: [task.vectors!.at(1, 1, { tokens: [last, last + 1] })]
          })
        : model;
      const trace = await run.trace(ids, { logits: 'last' });
      const [{ data }] = [...trace.outputLogits.values()];
      return data[ONE] - data[OTHER];
    };
    let change = 0;
    for (const { corrupted } of [pairs[1], pairs[3]]) {
      change +=
        ((await difference(corrupted as number[], true)) -
          (await difference(corrupted as number[], false))) /
        2;
    }
    expect(task.directions[1].steering.effect).toBeCloseTo(change, 3);
  });
});
