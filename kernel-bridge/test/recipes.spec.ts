/** The recipes of CONTRIBUTING.md, as they stand there: compiled with everything else, and run here. */
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { importTrace } from '../src/files/import/import-trace';
import {
  diagnose,
  inspectModel,
  loadModel,
  readTrace,
  TraceEvidence,
  type MoEModel
} from '../src';
import type { RoutingSample } from '../src/base/protocol';
import { installKernel, MIMEBUNDLE } from '../src/base/kernel-api';
import { WIDGET_VIEW_MIME_TYPE } from '../src/show/widgets/widget';
import { FakeKernel } from './fake-kernel';
import { compareGradients } from './numerical-gradient';
import type { ExpertLoads } from './recipes/expert-loads';
import { gini } from './recipes/gini';
import { castScores } from './recipes/quirk';
import { idleHalf } from './recipes/idle-half';
import { addLayersCommand } from './recipes/layers-command';
import { readLoadsState } from './recipes/loads-view';
import { MoreTools } from './recipes/loads-method';
import { onlyExperts } from './recipes/only-experts';
import { ThresholdSlider } from './recipes/threshold-slider';
import { tinyMoE, type RouterWriter } from './tiny-moe';
import { REPOSITORY } from './zoo';

// What a contributor writes into the list that the recipe names.
jest.mock('../src/routing/patterns', () => {
  const { patterns } = jest.requireActual('../src/routing/patterns');
  const { equalWeights } = jest.requireActual('./recipes/equal-weights');
  return { patterns: [...patterns, equalWeights] };
});
jest.mock('../src/run/gradients/rules', () => {
  const rules = jest.requireActual('../src/run/gradients/rules');
  const { softsign } = jest.requireActual('./recipes/softsign');
  return {
    ...rules,
    ruleOf: (op: string) =>
      softsign.ops.includes(op) ? softsign : rules.ruleOf(op)
  };
});
jest.mock('../src/files/import/formats', () => {
  const formats = jest.requireActual('../src/files/import/formats');
  const { jsonl } = jest.requireActual('./recipes/jsonl');
  return {
    ...formats,
    importerOf: (format: string) =>
      format === 'jsonl' ? jsonl : formats.importerOf(format)
  };
});
jest.mock('../src/measures/layer-metrics', () => {
  const { LAYER_METRICS } = jest.requireActual('../src/measures/layer-metrics');
  const { gini } = jest.requireActual('./recipes/gini');
  return { LAYER_METRICS: { ...LAYER_METRICS, gini } };
});

/** Of the Node package, and of the page, whose spec stands beside them. */
const RECIPES = [
  join(__dirname, 'recipes'),
  join(REPOSITORY, 'src/testing/recipes')
];
const IDS = [3, 14, 15, 9, 26, 5];

/** Code blocks of CONTRIBUTING.md, without what only layout differs in. */
function blocks(): string[] {
  const text = readFileSync(join(REPOSITORY, 'CONTRIBUTING.md'), 'utf8');
  return [...text.matchAll(/^ *```tsx?\n(.*?)^ *```$/gms)].map(([, code]) =>
    squeezed(code)
  );
}

const squeezed = (code: string): string => code.replace(/\s+/g, '');

/** The recipes without their imports, by file. */
const recipes = RECIPES.flatMap(folder =>
  readdirSync(folder)
    .filter(file => !file.includes('.spec.'))
    .map(file => {
      const code = readFileSync(join(folder, file), 'utf8');
      const body = code.replace(/^import [^;]+;$/gm, '');
      return [file, squeezed(body)] as const;
    })
);

it.each(recipes)('%s stands in CONTRIBUTING.md as it is run', (_, body) => {
  expect(blocks().some(block => body.includes(block))).toBe(true);
});

it('has a recipe for every block of TypeScript in CONTRIBUTING.md', () => {
  const found = blocks();
  expect(found.length).toBeGreaterThanOrEqual(recipes.length);
  expect(
    found.filter(block => !recipes.some(([, body]) => body.includes(block)))
  ).toEqual([]);
});

/** Top-k of the logits, and each of the k experts weighted by 1 / k. */
const equal: RouterWriter = (b, x, { experts, topK, hidden }) => {
  const logits = b.op('MatMul', [x, b.weight([hidden, experts], 2)]);
  const [, selected] = b.many('TopK', [logits, b.ints([topK])], 2);
  const shape = b.op('Shape', [selected]);
  return {
    selected,
    weights: b.op('Expand', [b.floats([1 / topK]), shape])
  };
};

it('router pattern: weights all chosen experts alike, as the graph does', async () => {
  const model = await loadModel(tinyMoE({ router: equal }).save());
  try {
    const trace = await model.trace(IDS);
    const [layer] = trace.samples[0].layers;
    expect(trace.coverage.layersCaptured).toBe(2);
    expect([...layer.weights]).toEqual(Array(IDS.length * 2).fill(0.5));
    // The chosen are those with the largest logits.
    const logits = [...layer.logits.subarray(0, 8)];
    const best = [...logits.keys()].sort((a, b) => logits[b] - logits[a]);
    expect([...layer.selected.subarray(0, 2)]).toEqual(best.slice(0, 2));
  } finally {
    await model.dispose();
  }
});

it('exporter quirk: a cast between score and choice changes nothing of the card', () => {
  const card = (router?: RouterWriter): unknown =>
    inspectModel(tinyMoE({ router }).save()).layers.map(layer =>
      layer.moe ? { ...layer, router: layer.router.pattern } : layer
    );
  expect(card(castScores)).toEqual(card());
});

it('gradient rule: equals central differences', async () => {
  const { error } = await compareGradients(b =>
    b.op('Softsign', [b.variable([2, 3])])
  );
  expect(error).toBeLessThan(1e-8);
});

describe('importer', () => {
  const folder = mkdtempSync(join(tmpdir(), 'moe-recipe-'));
  const write = (text: string): string => {
    const file = join(folder, 'trace.jsonl');
    writeFileSync(file, text);
    return file;
  };

  it('reads what the lines say', async () => {
    const out = join(folder, 'trace.moe.parquet');
    const lines =
      '{"experts": [[3, 5], [0, 2]]}\n{"experts": [[1, 5], [2, 7]]}\n';
    await importTrace('jsonl' as 'esft', write(lines), { out });
    const { samples } = await readTrace(out);
    expect(samples[0].layers.map(({ selected }) => [...selected])).toEqual([
      [3, 5, 1, 5],
      [0, 2, 2, 7]
    ]);
  });

  it.each(['{"experts": 3}', '{"experts": [[-1]]}', 'nothing', 'null'])(
    'refuses %s by its line',
    async line => {
      const path = write(`${line}\n`);
      const out = join(folder, 'no.moe.parquet');
      await expect(
        importTrace('jsonl' as 'esft', path, { out })
      ).rejects.toMatchObject({ code: 'input', where: `${path}, line 1` });
    }
  );
});

it('metric: the Gini coefficient of half the experts is one half', () => {
  const { routers } = TraceEvidence.of([idleSample(100)]).tally;
  // Two of four experts share all tokens alike: pairs differ by 50 in 4 of 6, 4 * 2 * 50 / (2 * 4 * 100).
  expect(gini.compute(routers[0])).toBeCloseTo(0.5, 12);
});

it('metric: stands in the document of a diagnosis by its row alone', () => {
  const { layers } = diagnose({ samples: [idleSample(100)] });
  expect(layers[0]).toMatchObject({ gini: expect.closeTo(0.5, 12) });
});

it('finding: names the idle experts, and nothing from too few tokens', () => {
  const tally = (tokens: number) =>
    TraceEvidence.of([idleSample(tokens)]).tally.routers[0];
  expect(idleHalf(tally(100))).toMatchObject([
    { layer: 0, experts: [2, 3], value: 0.5 }
  ]);
  expect(idleHalf(tally(10))).toEqual([]);
});

/** Tokens that take expert 0 or 1 of four. */
function idleSample(tokens: number): RoutingSample {
  return {
    id: 'a',
    tokens: Array.from({ length: tokens }, (_, position) => ({
      position,
      id: position
    })),
    layers: [
      {
        layer: 0,
        experts: 4,
        topK: 1,
        score: 'softmax',
        logitsAre: 'logits',
        logits: new Float32Array(tokens * 4),
        selected: Int32Array.from({ length: tokens }, (_, t) => t % 2),
        weights: new Float32Array(tokens).fill(1)
      }
    ]
  };
}

describe('tool', () => {
  let model: MoEModel;
  let tool: ExpertLoads;
  beforeAll(async () => {
    model = await loadModel(tinyMoE().save());
    tool = new MoreTools(model).loads();
  });
  afterAll(() => model.dispose());

  it('counts the tokens of each expert, as the trace does', async () => {
    const { layers } = (await model.trace(IDS)).samples[0];
    const done = changed(tool, ({ running }) => running === false);
    tool.act({ do: 'trace', prompt: IDS.join(' ') });
    await done;
    expect(layers).toHaveLength(2);
    expect(tool.state.loads).toEqual(
      layers.map(({ layer, experts, selected }) => ({
        layer,
        tokens: Array.from(
          { length: experts },
          (_, expert) => selected.filter(own => own === expert).length
        )
      }))
    );
    const stored = JSON.parse(JSON.stringify(tool.state)) as unknown;
    expect(readLoadsState(stored)).toEqual(stored);
    expect(String(tool)).toContain(
      `layer 0: ${tool.state.loads![0].tokens.join(' ')}`
    );
  });

  it('says why it did not do what the user asked for', async () => {
    tool.act({ do: 'trace', prompt: 5 });
    expect(tool.state.refusal).toEqual({
      text: 'prompt is not text',
      row: null
    });
    await tool.trace('no ids');
    expect(tool.state.refusal?.text).toContain('has no tokenizer');
  });
});

describe('widget', () => {
  const kernel = new FakeKernel();
  beforeAll(() => installKernel(kernel.api));

  it('shares its value with the page', async () => {
    const slider = new ThresholdSlider(0.25);
    const values: number[] = [];
    slider.onChange(value => values.push(value));
    const opened = kernel.opened.at(-1)!;
    expect(opened.data.state).toMatchObject({
      _model_name: 'ThresholdModel',
      _view_name: 'ThresholdView',
      value: 0.25
    });
    for (const value of [0.75, '<b>']) {
      await kernel.receive(opened.commId, {
        method: 'update',
        state: { value }
      });
    }
    // What is not a number from 0 to 1 counts as 0.
    expect(values).toEqual([0.75, 0]);
    expect(slider.value).toBe(0);
    expect(await slider[MIMEBUNDLE]()).toMatchObject({
      [WIDGET_VIEW_MIME_TYPE]: { model_id: opened.commId }
    });
  });
});

/** Resolves with the next change that `isDone` accepts. */
function changed(
  tool: ExpertLoads,
  isDone: (patch: Partial<ExpertLoads['state']>) => boolean
): Promise<void> {
  return new Promise(resolve => {
    const stop = tool.onChange(patch => {
      if (isDone(patch)) {
        stop();
        resolve();
      }
    });
  });
}

it('edit: only the experts that were kept are selected', async () => {
  const model = await loadModel(tinyMoE().save());
  try {
    const trace = await model.with(onlyExperts(1, [2, 6], 8)).trace(IDS);
    const [, layer] = trace.samples[0].layers;
    expect(new Set(layer.selected)).toEqual(new Set([2, 6]));
    expect(layer.selected).toHaveLength(IDS.length * 2);
  } finally {
    await model.dispose();
  }
});

it('command: prints a document for programs', async () => {
  const printed = jest
    .spyOn(process.stdout, 'write')
    .mockImplementation((_text, ...rest) => {
      rest.forEach(done => typeof done === 'function' && done());
      return true;
    });
  const program = new Command();
  addLayersCommand(program);
  await program.parseAsync(['layers', tinyMoE().save(), '--json'], {
    from: 'user'
  });
  const [text] = printed.mock.calls[0];
  printed.mockRestore();
  expect(JSON.parse(String(text))).toEqual({
    schema: 'moe-debugger/layers@1',
    layers: [0, 1].map(layer => ({ layer, experts: 8 }))
  });
});
