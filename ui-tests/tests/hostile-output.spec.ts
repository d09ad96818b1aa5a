import { expect, test } from '@jupyterlab/galata';
import {
  TOOL_NAMES,
  toolDocument,
  type EncodedView,
  type ToolName
} from 'moe-debugger/protocol';
import { notebookWith, viewBundle, viewDocument } from '../fixtures/notebooks';
import { openWithoutKernel } from '../fixtures/open-notebook';
import { truth } from '../fixtures/truth';

const ATTACK = '<img src="http://127.0.0.1:9/x.png" onerror="window.hacked=1">';

/** A valid document with a change. */
function changed(change: (view: EncodedView) => void): EncodedView {
  const view = structuredClone(viewDocument([truth(0)]));
  change(view);
  return view;
}

const refused: [string, unknown, string][] = [
  ['text', ATTACK, 'This output is not a MoE Debugger view'],
  ['a list', [1, 2], 'This output is not a MoE Debugger view'],
  [
    'a newer version',
    changed(view => (view.version = 99)),
    'update the extension'
  ],
  [
    'an unknown view',
    changed(view => Object.assign(view, { view: ATTACK })),
    'Unknown view'
  ],
  ['no samples', changed(view => (view.samples = [])), 'contains no routing'],
  [
    'a short array',
    changed(view => {
      view.samples[0].layers[0].weights!.data = 'AAAA';
    }),
    'holds 3 bytes'
  ],
  [
    'an array that is not base64',
    changed(view => {
      view.samples[0].layers[0].weights!.data = '%%%';
    }),
    'is not base64'
  ],
  [
    'more experts than a page can draw',
    changed(view => {
      const [sample] = view.samples;
      sample.tokens = [];
      const empty = (dtype: 'float32' | 'int32') => ({
        dtype,
        shape: [0, 2],
        data: ''
      });
      sample.layers = [
        {
          layer: 0,
          experts: 1 << 24,
          topK: 2,
          score: 'softmax',
          logitsAre: 'logits',
          selected: empty('int32'),
          weights: empty('float32')
        }
      ];
    }),
    'cannot be drawn'
  ],
  [
    'an expert that the layer does not have',
    changed(view => {
      view.samples[0].layers[0].experts = 3;
      delete view.samples[0].layers[0].logits;
    }),
    'names expert'
  ]
];

const drawn: [string, EncodedView][] = [
  ['markup in the model name', changed(view => (view.model = ATTACK))],
  [
    'markup in tokens and ids',
    changed(view => {
      view.samples[0].id = ATTACK;
      view.samples[0].domain = ATTACK;
      view.samples[0].tokens.forEach(token => (token.text = ATTACK));
    })
  ],
  ['markup in the note', changed(view => (view.truncated = ATTACK))],
  [
    'a token of a megabyte',
    changed(view => (view.samples[0].tokens[0].text = 'x'.repeat(1 << 20)))
  ],
  [
    'weights that are not numbers',
    changed(view => {
      const { weights } = view.samples[0].layers[0];
      weights!.data = Buffer.from(
        new Float32Array(96).fill(NaN).buffer
      ).toString('base64');
    })
  ]
];

/** A tool's document with a change. */
function tool(name: ToolName, change: object): unknown {
  const states: Record<ToolName, object> = {
    experts: {
      running: false,
      rows: [{ layer: 0, module: ATTACK, experts: 2, topK: 1 }],
      prompt: ATTACK,
      maxNewTokens: 4,
      edits: [],
      topK: [null],
      canUndo: false,
      canRedo: false,
      traced: null,
      original: { tokens: [{ id: 1, text: ATTACK }], status: 'done' },
      edited: null,
      refusal: { text: ATTACK, row: 0 }
    },
    attribution: {
      running: false,
      question: {
        prompt: ATTACK,
        target: null,
        method: 'ig',
        steps: 64,
        baseline: { kind: 'token', text: ATTACK }
      },
      attribution: {
        target: { kind: 'logit', position: 9, token: 1, text: ATTACK },
        method: 'ig',
        baseline: 'zero',
        tokens: [{ position: 0, id: 1, text: ATTACK, attribution: 1 }],
        value: 1,
        baselineValue: 1,
        gap: 1,
        experts: [
          {
            layer: 0,
            module: ATTACK,
            position: 9,
            expert: 0,
            weight: 1,
            attribution: -1
          }
        ],
        warnings: [ATTACK]
      },
      choices: null,
      done: 0,
      total: 0,
      refusal: { text: ATTACK, row: null }
    },
    circuit: {
      running: false,
      question: {
        clean: ATTACK,
        other: 'prompt',
        corrupted: ATTACK,
        target: {
          kind: 'logit',
          position: null,
          token: ATTACK,
          against: ATTACK,
          layer: 0,
          expert: 0
        },
        direction: 'noising',
        edges: true
      },
      circuit: {
        schema: 'moe-debugger/circuit@1',
        model: ATTACK,
        clean: [{ position: 0, id: 1, text: ATTACK }],
        corrupted: 'zero',
        target: { kind: 'logit', position: 7, token: 1, text: ATTACK },
        direction: 'noising',
        values: { clean: 1, corrupted: 1 },
        nodes: [
          {
            id: ATTACK,
            kind: 'head',
            layer: 0,
            rank: 0,
            effect: 1,
            effects: [1]
          },
          { id: 'end', kind: 'logits', rank: 1, effect: null }
        ],
        edges: [{ from: ATTACK, to: 'end', effect: 1 }],
        edgesLeftOut: 0,
        threshold: 0,
        notes: [ATTACK]
      },
      patches: [{ node: ATTACK, position: 9, effect: 1 }],
      done: 0,
      total: 0,
      refusal: { text: ATTACK, row: null },
      shown: { size: 1 << 20, node: ATTACK }
    },
    lens: {
      running: false,
      prompt: ATTACK,
      lens: null,
      done: 0,
      total: 0,
      refusal: { text: ATTACK, row: null }
    },
    steering: {
      running: false,
      rows: [],
      prompt: ATTACK,
      maxNewTokens: 4,
      original: null,
      edited: null,
      contrast: { positive: ATTACK, negative: ATTACK },
      refusal: { text: ATTACK, row: null }
    },
    sweep: {
      running: false,
      prompts: ATTACK,
      mode: 'mask',
      sweep: null,
      refusal: { text: ATTACK, row: null }
    }
  };
  return toolDocument(name, ATTACK, { ...states[name], ...change }, 'w');
}

const refusedTools: [unknown, string][] = [
  [tool('experts', { rows: 7 }), 'Rows is not a list'],
  [
    tool('experts', { rows: [{ layer: 0, experts: 1 << 24, topK: 1 }] }),
    'cannot be shown'
  ],
  [
    tool('experts', { edits: [{ row: 0, expert: 5, kind: 'mask' }] }),
    'Edits[0].expert is not a count'
  ],
  [tool('lens', { lens: { tokens: [] } }), 'is not a list'],
  [tool('attribution', { attribution: { tokens: [] } }), 'is not an object'],
  [tool('circuit', { circuit: { nodes: [] } }), 'is not one of'],
  [tool('steering', { rows: [{ layer: 0, scale: 'x' }] }), 'is not a number'],
  [tool('sweep', { mode: ATTACK }), 'is not one of mask, drop']
];

test('invalid tools are rejected with a reason, and valid ones run no scripts', async ({
  page,
  tmpPath
}) => {
  const sound = TOOL_NAMES.map(name => tool(name, {}));
  const asked: string[] = [];
  page.on('request', request => asked.push(request.url()));
  await openWithoutKernel(
    page,
    `${tmpPath}/tools.ipynb`,
    notebookWith(
      ...refusedTools.map(([document]) => viewBundle(document)),
      ...sound.map(viewBundle)
    )
  );
  const errors = page.locator('.moe-ErrorBox');
  await expect(errors).toHaveCount(refusedTools.length);
  for (const [i, [, reason]] of refusedTools.entries()) {
    await expect(errors.nth(i)).toContainText(reason);
  }
  const frames = page.locator('.moe-ToolFrame');
  await expect(frames).toHaveCount(sound.length);
  for (let i = 0; i < sound.length; i++) {
    await frames.nth(i).scrollIntoViewIfNeeded();
    await expect(frames.nth(i).getByRole('alert')).toHaveText(ATTACK);
    await expect(frames.nth(i).getByRole('note').first()).toContainText(
      'Run its cell'
    );
  }
  await expect(frames.first().locator('.moe-SideBySide-text')).toHaveText(
    ATTACK
  );
  await expect(
    frames.nth(TOOL_NAMES.indexOf('attribution')).getByRole('note').last()
  ).toHaveText(ATTACK);
  expect(await page.evaluate(() => 'hacked' in window)).toBe(false);
  expect(asked.filter(url => url.includes('x.png'))).toEqual([]);
});

test('invalid documents are rejected with a reason', async ({
  page,
  tmpPath
}) => {
  await openWithoutKernel(
    page,
    `${tmpPath}/refused.ipynb`,
    notebookWith(...refused.map(([, document]) => viewBundle(document)))
  );
  for (let i = 0; i < refused.length; i++) {
    const cell = page.locator('.jp-CodeCell').nth(i);
    await cell.scrollIntoViewIfNeeded();
    await expect(cell.getByRole('alert'), refused[i][0]).toContainText(
      refused[i][2]
    );
  }
  await expect(page.locator('.moe-RoutingView')).toHaveCount(0);
});

test('untrusted text is shown as text and runs no scripts', async ({
  page,
  tmpPath,
  baseURL
}) => {
  const foreign: string[] = [];
  page.on('request', request => {
    const url = request.url();
    if (!url.startsWith(baseURL!) && !/^(data|blob):/.test(url)) {
      foreign.push(url);
    }
  });
  await openWithoutKernel(
    page,
    `${tmpPath}/drawn.ipynb`,
    notebookWith(...drawn.map(([, document]) => viewBundle(document)))
  );
  for (let i = 0; i < drawn.length; i++) {
    const view = page
      .locator('.jp-CodeCell')
      .nth(i)
      .locator('.moe-RoutingView');
    await view.scrollIntoViewIfNeeded();
    await expect(view, drawn[i][0]).toHaveAttribute(
      'data-moe-drawn',
      '0/weight'
    );
    await view.getByRole('button', { name: 'Table' }).click();
    await expect(view.getByRole('table')).toBeVisible();
    await expect(view.locator('img')).toHaveCount(0);
  }
  expect(await page.evaluate(() => 'hacked' in window), 'a script ran').toBe(
    false
  );
  expect(foreign).toEqual([]);
});
