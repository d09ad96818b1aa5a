/** Routers and experts by `[STACK:]L[:MODULE]:E`, in models where a layer's number alone does not tell them. */
import { basename } from 'node:path';
import { loadModel, type Edits, type MoEModel } from '../src';
import { SteeringVectors } from '../src/analyses/steering/steering-vectors';
import { run } from './run-cli';
import { tinyMoE, tinyTwoStacks } from './tiny-moe';
import { zooModels } from './zoo';

const IDS = [3, 1, 4, 1, 5];

/** The choices of each router, by place. */
async function chosen(
  model: Pick<MoEModel, 'trace'>,
  prompt: object
): Promise<Record<string, number[]>> {
  const { samples } = await model.trace(prompt as never);
  return Object.fromEntries(
    samples[0].layers.map(({ stack, layer, module, selected }) => [
      [stack, layer, module].filter(part => part !== undefined).join(':'),
      Array.from(selected)
    ])
  );
}

describe('a layer with two routers', () => {
  const folder = tinyMoE({ routedAttention: [0], picks: 'one-hot' }).save();
  let model: MoEModel;
  beforeAll(async () => {
    model = await loadModel(folder);
  });
  afterAll(() => model.dispose());

  it('takes an edit of one, and the router in front of it keeps its choice', async () => {
    const prompt = { inputIds: IDS };
    const own = await chosen(model, prompt);
    expect(Object.keys(own).sort()).toEqual(['0:attention', '0:mlp', '1']);
    const forced = model.with({
      force: [{ layer: 0, module: 'mlp', expert: 5 }]
    });
    const after = await chosen(forced, prompt);
    expect(after['0:attention']).toEqual(own['0:attention']);
    expect(after['0:mlp'].filter((_, i) => i % 2 === 0)).toEqual(
      IDS.map(() => 5)
    );
  });

  const LAYER_0 =
    /layer 0 has more than one router.*which of 0:attention, 0:mlp$/;
  it.each<[string, Edits]>([
    ['ablate', { ablate: [{ layer: 0, expert: 1 }] }],
    ['force', { force: [{ layer: 0, expert: 1 }] }],
    ['topK', { topK: [{ layer: 0, k: 1 }] }],
    ['bias', { bias: [{ layer: 0, expert: 1, value: 1 }] }],
    ['scale', { scale: [{ layer: 0, expert: 1, factor: 2 }] }],
    [
      'a substitute',
      {
        ablate: [
          {
            layer: 0,
            module: 'mlp',
            expert: 1,
            mode: 'swap',
            to: { layer: 0, expert: 2 }
          }
        ]
      }
    ]
  ])('is refused without its module: %s', (_, edits) => {
    expect(() => model.with(edits)).toThrow(
      expect.objectContaining({
        code: 'edit',
        message: expect.stringMatching(LAYER_0) as string
      })
    );
  });

  it('swaps within one router only', async () => {
    const swap = (module: string): Edits => ({
      ablate: [
        {
          layer: 0,
          module: 'mlp',
          expert: 1,
          mode: 'swap',
          to: { layer: 0, module, expert: 2 }
        }
      ]
    });
    expect(() => model.with(swap('attention'))).toThrow(
      /expert 2 of layer 0 attention cannot run instead \(layer 0 mlp\)/
    );
    const { edits } = await model.with(swap('mlp')).trace({ inputIds: IDS });
    expect(edits).toEqual([
      {
        kind: 'ablate',
        layer: 0,
        module: 'mlp',
        expert: 1,
        mode: 'swap',
        to: 2
      }
    ]);
  });

  it('explains the score of one of them, and refuses the layer alone', async () => {
    const target = { kind: 'router', layer: 0, expert: 1 } as const;
    await expect(
      model.attribute(IDS, {
        target,
        method: 'occlusion',
        baseline: { token: 7 }
      })
    ).rejects.toMatchObject({
      code: 'input',
      message: expect.stringMatching(LAYER_0) as string
    });
    const { data } = await model.attribute(IDS, {
      target: { ...target, module: 'attention' },
      method: 'occlusion',
      baseline: { token: 7 }
    });
    const { samples } = await model.trace({ inputIds: IDS });
    const { logits, experts } = samples[0].layers[0];
    expect(data.value).toBeCloseTo(logits[(IDS.length - 1) * experts + 1], 4);
  });

  it('is read from a trace by place, and refused by its number alone', async () => {
    const trace = await model.trace({ inputIds: IDS });
    const [attention, mlp] = trace.samples[0].layers;
    expect([attention, mlp].map(({ module }) => module)).toEqual([
      'attention',
      'mlp'
    ]);
    expect(trace.layer({ layer: 0, module: 'mlp' })).toBe(mlp);
    expect(trace.layer({ layer: 0, module: 'attention' })).toBe(attention);
    expect(trace.layer(1).layer).toBe(1);
    expect(() => trace.layer(0)).toThrow(
      expect.objectContaining({
        code: 'input',
        message: expect.stringMatching(LAYER_0) as string
      })
    );
    expect(() => trace.layer({ layer: 1, module: 'attention' })).toThrow(
      /layer 1 attention is not an MoE layer/
    );
    const events = [...trace.events()].filter(({ layerIdx }) => layerIdx === 0);
    expect(events.map(({ module }) => module)).toEqual([
      ...IDS.map(() => 'attention'),
      ...IDS.map(() => 'mlp')
    ]);
  });

  it('names its routers in the text of a lens', async () => {
    const lens = await model.lens({ inputIds: IDS });
    expect(lens.toString()).toMatch(/^layer 0 .* mlp experts \d: /m);
  });

  it('is swept by place, or whole by its number', async () => {
    const swept = async (
      layers: (number | { layer: number; module?: string })[]
    ) => {
      const { rows } = await model.sweep(
        { inputIds: IDS },
        { layers, experts: [2] }
      );
      return rows.map(({ layer, module }) => [layer, module]);
    };
    expect(await swept([{ layer: 0, module: 'mlp' }])).toEqual([[0, 'mlp']]);
    expect(await swept([0])).toEqual([
      [0, 'attention'],
      [0, 'mlp']
    ]);
    await expect(swept([{ layer: 0 }])).rejects.toThrow(
      /more than one router \(layers\).*0:attention, 0:mlp$/
    );
  });

  it.each([
    [['trace', '--ablate', '0:1'], LAYER_0],
    [['sweep', '--layers', '0'], /which of 0:attention, 0:mlp$/],
    [['sweep', '--experts', '0:1'], LAYER_0],
    [
      ['sweep', '--experts', '0:mlp:1', '--layers', '1'],
      /some without \(--experts\)/
    ],
    [['attribute', '--target', 'router:0:1'], /which of 0:attention, 0:mlp$/]
  ])('is refused on the command line: %j', async ([command, ...args], what) => {
    const { code, stderr } = await run([
      command,
      folder,
      '--input-ids',
      IDS.join(),
      ...args
    ]);
    expect(stderr.trim()).toMatch(what);
    expect(code).toBe(2);
  });

  it('is named on the command line', async () => {
    const { code, stdout, stderr } = await run([
      ...['sweep', folder, '--input-ids', IDS.join(), '--json'],
      ...['--experts', '0:mlp:1,1:3']
    ]);
    expect([stderr, code]).toEqual(['', 0]);
    const { rows } = JSON.parse(stdout) as {
      rows: { layer: number; module?: string; expert: number }[];
    };
    expect(rows.map(row => [row.layer, row.module, row.expert])).toEqual([
      [0, 'mlp', 1],
      [1, undefined, 3]
    ]);
  });
});

const SWITCH = zooModels().find(folder => basename(folder) === 'switch-dynamo');

describe.each([
  { name: 'made here', folder: tinyTwoStacks({ dense: [0] }).save() },
  ...(SWITCH ? [{ name: 'of the zoo', folder: SWITCH }] : [])
])('a layer in two stacks, $name', ({ folder }) => {
  let model: MoEModel;
  const prompt = { inputIds: IDS, decoderInputIds: [0, 2] };
  beforeAll(async () => {
    model = await loadModel(folder);
  });
  afterAll(() => model.dispose());

  it('takes an edit of either', async () => {
    const forced = model.with({
      force: [{ layer: 1, stack: 'decoder', expert: 3 }]
    });
    const [own, after] = [
      await chosen(model, prompt),
      await chosen(forced, prompt)
    ];
    expect(after['encoder:1']).toEqual(own['encoder:1']);
    const k = after['decoder:1'].length / 2;
    expect([after['decoder:1'][0], after['decoder:1'][k]]).toEqual([3, 3]);
  });

  const LAYER_1 =
    /layer 1 has more than one router.*which of encoder:1, decoder:1$/;
  it('is refused without its stack', async () => {
    expect(() => model.with({ ablate: [{ layer: 1, expert: 3 }] })).toThrow(
      LAYER_1
    );
    await expect(
      model.sweep(prompt, { only: [{ layer: 1, expert: 3 }] })
    ).rejects.toThrow(LAYER_1);
    await expect(
      model.attribute(prompt, {
        target: { kind: 'router', layer: 1, expert: 3 }
      })
    ).rejects.toThrow(/which of encoder:1, decoder:1$/);
  });
});

describe('steering vectors of two stacks', () => {
  const vectors = new SteeringVectors('model', [
    { layer: 1, stack: 'encoder', vector: Float32Array.of(1) },
    { layer: 1, stack: 'decoder', vector: Float32Array.of(2) },
    { layer: 2, stack: 'decoder', vector: Float32Array.of(3) }
  ]);

  it('are told apart by the stack, where a layer has both', () => {
    expect(vectors.at(1, 1, { stack: 'decoder' }).vector).toEqual(
      Float32Array.of(2)
    );
    expect(vectors.at(2)).toMatchObject({ stack: 'decoder', scale: 1 });
    expect(() => vectors.at(1)).toThrow(
      /layer 1 has more than one steering vector.*encoder:1, decoder:1$/
    );
    expect(() => vectors.at(9)).toThrow(
      /layer 9 has no steering vector.*encoder layer 1/
    );
  });

  it('are of the stream, which no module tells apart', async () => {
    const { code, stderr } = await run(['steer', 'm', '--layer', '3:mlp']);
    expect(stderr).toMatch(/give \[STACK:\]L, such as 3 or encoder:3/);
    expect(code).toBe(2);
  });
});

it('says in the help of each command how routers and experts are named', async () => {
  const COMMANDS = ['trace', 'generate', 'lens', 'sweep', 'diff'];
  const MORE = ['counterfactual', 'attribute', 'circuit'];
  const told: string[] = [];
  for (const command of [...COMMANDS, ...MORE]) {
    const { stdout } = await run([command, '--help']);
    if (/\[STACK:\]L\[:MODULE\]/.test(stdout)) {
      told.push(command);
    }
  }
  expect(told).toEqual([...COMMANDS, ...MORE]);
});
