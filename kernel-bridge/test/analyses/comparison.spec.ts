/** Several models in one document, aligned by depth; and diffs of models with other tokenizers. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  compareModels,
  diffRouting,
  loadModel,
  metrics,
  type ComparisonDocument,
  type RoutingTrace
} from '../../src';
import { promptsFile, run } from '../run-cli';
import { temporaryFolder } from '../temporary';
import { tinyMoE } from '../tiny-moe';
import { DEMO, smallModels } from '../zoo';

const small = (name: string): string =>
  smallModels().find(folder => folder.endsWith(name))!;

/** Of other families, depths, and numbers of experts. */
const MODELS = [
  DEMO,
  small('tiny-deepseek_v3-dynamo'),
  small('tiny-qwen2_moe-torchscript')
];

const PROMPTS = [
  { id: 'a', inputIds: [3, 9, 14, 7, 5, 11, 3, 9], domain: 'x' },
  { id: 'b', inputIds: [4, 8, 15, 16, 23, 42], domain: 'x' },
  { id: 'c', inputIds: [30, 31, 32, 33, 34, 35], domain: 'y' },
  { id: 'd', inputIds: [36, 37, 38, 39, 40, 41], domain: 'y' }
];

async function traced(
  folder: string,
  prompts: object[] = PROMPTS
): Promise<RoutingTrace> {
  const model = await loadModel(folder);
  try {
    return await model.trace(prompts as typeof PROMPTS);
  } finally {
    await model.dispose();
  }
}

let traces: RoutingTrace[];
beforeAll(async () => {
  traces = [];
  for (const folder of MODELS) {
    traces.push(await traced(folder));
  }
});

it('holds three models of other families, aligned by depth', () => {
  const { models, aligned } = compareModels(traces);
  expect(models).toHaveLength(3);
  models.forEach(({ layers, blocks, prompts, tokens }, i) => {
    const config = JSON.parse(
      readFileSync(join(MODELS[i], 'config.json'), 'utf8')
    ) as Record<string, number>;
    expect(blocks).toBe(config.num_hidden_layers);
    expect(prompts).toBe(4);
    expect(tokens).toBe(26);
    expect(layers).toHaveLength(traces[i].samples[0].layers.length);
    layers.forEach(({ layer, depth }) =>
      expect(depth).toBeCloseTo(layer / (config.num_hidden_layers - 1), 12)
    );
  });
  // The first layer of DeepSeek is dense: its first MoE layer is no first block.
  expect(models[1].layers[0].depth).toBeGreaterThan(0);
  const most = Math.max(...models.map(({ layers }) => layers.length));
  expect(aligned).toHaveLength(most);
  for (const { depth, layers } of aligned) {
    expect(layers).toHaveLength(3);
    layers.forEach((index, i) => {
      const own = models[i].layers;
      const distance = Math.abs(own[index!].depth - depth);
      own.forEach(layer =>
        expect(Math.abs(layer.depth - depth)).toBeGreaterThanOrEqual(
          distance - 1e-12
        )
      );
    });
  }
});

it('measures each layer as by hand', () => {
  const { models } = compareModels(traces);
  const [{ layers }] = models;
  expect(layers).toHaveLength(6);
  layers.forEach((own, i) => {
    const counts = new Array<number>(own.experts).fill(0);
    const byDomain = new Map<string, number[]>();
    for (const sample of traces[0].samples) {
      const of =
        byDomain.get(sample.domain!) ??
        byDomain
          .set(sample.domain!, new Array<number>(own.experts).fill(0))
          .get(sample.domain!)!;
      for (const expert of sample.layers[i].selected) {
        counts[expert]++;
        of[expert]++;
      }
    }
    expect(own.jain).toBeCloseTo(metrics.jainIndex(counts), 12);
    const [x, y] = [...byDomain.values()].map(values => {
      const total = values.reduce((a, b) => a + b, 0);
      return values.map(value => value / total);
    });
    const distance =
      x.reduce((sum, share, e) => sum + Math.abs(share - y[e]), 0) / 2;
    expect(own.domainDistance).toBeCloseTo(distance, 12);
  });
});

it('draws one line a model', async () => {
  const comparison = compareModels(traces, { names: ['one', 'two', 'three'] });
  const { data } = comparison.spec as unknown as {
    data: { values: { model: string; measure: string }[] };
  };
  expect([...new Set(data.values.map(({ model }) => model))]).toEqual([
    'one',
    'two',
    'three'
  ]);
  expect(new Set(data.values.map(({ measure }) => measure)).size).toBe(5);
  const file = join(temporaryFolder(), 'models.csv');
  await comparison.save(file);
  const lines = readFileSync(file, 'utf8').trim().split('\r\n');
  expect(lines).toHaveLength(1 + 3 * comparison.aligned.length);
  expect(comparison.toString()).toContain('depth 1.00:');
});

it('says what other prompts, other tokenizers and unlabelled texts mean', async () => {
  const one = await traced(DEMO, [{ id: 'a', inputIds: [3, 4] }]);
  const { warnings, models } = compareModels([one, traces[0]]);
  expect(warnings.join()).toContain('the models saw other prompts: 1 are in');
  // One model twice has two names; without domains nothing is said of them.
  expect(models.map(({ name }) => name)).toEqual(['demo', 'demo (2)']);
  expect(models[0].layers.map(own => own.domainDistance)).toEqual(
    new Array(6).fill(null)
  );
  const others = compareModels(traces);
  expect(others.sameTokens).toBe(false);
  expect(others.warnings.join()).toContain('demo and tiny-deepseek_v3-dynamo');
  expect(compareModels([traces[0], traces[0]]).sameTokens).toBe(true);
});

it.each<[string, () => unknown, RegExp]>([
  ['one model', () => compareModels([traces[0]]), /nothing to compare with/],
  [
    'a trace without a token',
    () => compareModels([traces[0], { ...traces[0], samples: [] }]),
    /the trace has no routed tokens/
  ],
  [
    'fewer names than models',
    () => compareModels(traces, { names: ['a'] }),
    /1 names for 3 traces/
  ]
])('refuses %s', (_, make, message) => {
  expect(make).toThrow(message);
});

describe('a diff of models with other tokenizers', () => {
  /** A model of the same shape that reads the same text as other tokens. */
  const retokenized = (
    change: (id: number, at: number) => { id: number; text?: string }
  ): RoutingTrace =>
    ({
      ...traces[0],
      model: 'other',
      samples: traces[0].samples.map(sample => ({
        ...sample,
        tokens: sample.tokens.map((token, at) => ({
          ...token,
          ...change(token.id, at)
        }))
      }))
    }) as unknown as RoutingTrace;

  it('is refused where an id is another token, wherever it stands', () => {
    // No token that both have at one place differs in its text.
    const other = retokenized((id, at) =>
      at === 0
        ? { id: 900, text: 'ab' }
        : at === 1
          ? { id: 3, text: 'cd' }
          : { id }
    );
    expect(() => diffRouting(traces[0], other)).toThrow(
      /the runs have other tokenizers: token 3 is .* in one run and "cd" in the other/
    );
  });

  it('is refused where the same text has other ids', () => {
    const other = retokenized(id => ({ id: id + 1000 }));
    expect(() => diffRouting(traces[0], other)).toThrow(
      /the text of prompt a is 8 tokens in one run and 8 others in the other/
    );
  });

  it('is made where nothing shows another tokenizer', () => {
    const bare = retokenized(id => ({ id, text: undefined }));
    expect(diffRouting(traces[0], bare).layers[0].changed).toBe(0);
    expect(diffRouting(traces[0], traces[0]).layers).toHaveLength(6);
  });
});

describe('moe-debugger compare', () => {
  const prompts = promptsFile(
    ...PROMPTS.map(({ id, inputIds, domain }) => ({
      id,
      input_ids: inputIds,
      domain
    }))
  );

  it('prints one JSON document of three models, and writes a file', async () => {
    const out = join(temporaryFolder(), 'models.json');
    const { code, stdout, stderr } = await run([
      'compare',
      ...MODELS,
      '--prompts',
      prompts,
      '--out',
      out,
      '--json'
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const document = JSON.parse(stdout) as ComparisonDocument;
    expect(document.schema).toBe('moe-debugger/comparison@1');
    expect(document.models.map(({ layers }) => layers)).toEqual(
      compareModels(traces).models.map(({ layers }) => layers)
    );
    expect(JSON.parse(readFileSync(out, 'utf8'))).toEqual(document);
  });

  it('names the model that cannot run a prompt', async () => {
    const { code, stderr } = await run([
      'compare',
      MODELS[1],
      tinyMoE({ layers: 1 }).save(join(temporaryFolder(), 'tiny')),
      '--input-ids',
      '3,70'
    ]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/error: tiny cannot run the prompts: /);
  });

  it('refuses one model', async () => {
    const { code, stderr } = await run([
      'compare',
      tinyMoE({ layers: 1 }).save(),
      '--prompts',
      prompts
    ]);
    expect(code).toBe(2);
    expect(stderr).toBe(
      'moe-debugger: error: there is nothing to compare with (compare): give two models or traces, or more\n'
    );
  });
});
