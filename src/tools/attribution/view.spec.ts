import type { AttributionState } from 'moe-debugger/protocol';
import { act, type } from '../../testing/react';
import { ShownTool } from '../../testing/shown-tool';
import attribution from '.';

const place = { layer: 0, stack: 'decoder' as const, module: 'mlp' };
const top = [{ id: 5, text: 'c', logit: 1, probability: 0.25 }];
const STATE: AttributionState = {
  running: false,
  question: {
    prompt: 'a b',
    target: null,
    method: 'ig',
    steps: 8,
    baseline: { kind: 'zero', text: '' }
  },
  attribution: {
    schema: 'moe-debugger/attribute@1',
    target: { kind: 'logit', position: 1, token: 3, text: 'c' },
    method: 'ig',
    baseline: 'zero',
    rule: 'midpoint',
    steps: 8,
    batch: 4,
    tokens: [
      { position: 0, id: 1, text: 'a\n', attribution: 0.5 },
      { position: 1, id: 2, text: '\n b', attribution: -2 }
    ],
    value: 1,
    baselineValue: 0.5,
    gap: -0.25,
    layers: [{ layer: 0, stack: 'decoder', attribution: 1 }],
    experts: [{ ...place, position: 1, expert: 1, weight: 1, attribution: -2 }],
    warnings: ['The gap is large.']
  },
  choices: {
    position: 1,
    logits: {
      position: 1,
      top,
      actual: { id: 6, text: 'd', logit: 0.5, probability: 0.125 }
    },
    routers: [
      { ...place, position: 1, experts: 2, chosen: [{ expert: 1, weight: 1 }] },
      { layer: 4, position: 1, experts: 3, chosen: [{ expert: 0, weight: 1 }] }
    ]
  },
  done: 0,
  total: 0,
  refusal: null
};

const named = (shown: ShownTool, start: string) =>
  shown.node.querySelector<HTMLButtonElement>(`[aria-label^="${start}"]`)!;

describe('AttributionView', () => {
  it('shows the target, the sum, the tokens and who gets the credit', () => {
    const shown = new ShownTool(attribution, STATE);
    expect(shown.texts('h4')[0]).toContain('Logit of c after token 1');
    // 1 - 0.5 - 0.25, and half of what was to be attributed.
    expect(shown.texts('.moe-SweepExpert-figures')[0]).toContain('0.25');
    expect(shown.node.textContent).toContain('−0.2500 (50 %)');
    expect(shown.texts('[role=note]')).toContain('The gap is large.');
    expect(shown.texts('.moe-AttributionTokens-break')).toHaveLength(2);
    expect(shown.table('Credit of layers')[0].slice(1)).toEqual([
      '',
      '+1.0000'
    ]);
    const [[expert, , value]] = shown.table('Credit of experts');
    expect(expert).toContain('expert 1, token 1');
    expect(value).toBe('−2.0000');
    const bar = shown.labelled('Credit of experts').querySelector('span')!;
    expect([bar.style.width, bar.className]).toEqual([
      '50%',
      'moe-mod-negative'
    ]);
    shown.dispose();
  });

  it('asks with the settings of the form, once these are complete', () => {
    const shown = new ShownTool(attribution, STATE);
    const submit = () => shown.button('Attribute');
    type(shown.labelled<HTMLSelectElement>('Baseline'), 'token');
    expect(submit().disabled).toBe(true);
    type(shown.labelled<HTMLInputElement>('Baseline token'), 'the');
    type(shown.node.querySelector<HTMLInputElement>('input[type=number]')!, '');
    expect(submit().disabled).toBe(true);
    type(shown.labelled<HTMLSelectElement>('Method'), 'occlusion');
    expect(shown.node.querySelector('input[type=number]')).toBeNull();
    shown.press(submit());
    expect(shown.link.sent).toEqual([
      {
        do: 'attribute',
        question: {
          prompt: 'a b',
          target: null,
          method: 'occlusion',
          steps: 8,
          baseline: { kind: 'token', text: 'the' }
        }
      }
    ]);
    type(shown.labelled<HTMLSelectElement>('Baseline'), 'prompt');
    expect(shown.labelled<HTMLInputElement>('Contrast prompt').value).toBe(
      'the'
    );
    shown.dispose();
  });

  it('explains another prediction, or the choice of an expert', () => {
    const shown = new ShownTool(attribution, STATE);
    const asked = () =>
      (shown.link.sent.at(-1) as { question: { target: object } }).question
        .target;
    shown.press(named(shown, 'Explain the prediction of c'));
    expect(asked()).toEqual({ kind: 'logit', position: 1, token: 5 });
    shown.press(named(shown, 'Explain the prediction of d'));
    expect(asked()).toEqual({ kind: 'logit', position: 1, token: 6 });
    const expert = named(shown, 'Explain the score of expert 0');
    expect(expert.title).toBe('not selected');
    shown.press(expert);
    expect(asked()).toEqual({
      kind: 'router',
      position: 1,
      ...place,
      expert: 0
    });
    type(shown.labelled<HTMLSelectElement>('Router'), '1');
    expect(named(shown, 'Explain the score of expert 0').title).toBe(
      'selected, weight 1.000'
    );
    shown.dispose();
  });

  it('looks at the token that is chosen', () => {
    const shown = new ShownTool(attribution, STATE);
    const [first] = shown
      .labelled('Tokens by attribution')
      .querySelectorAll<HTMLInputElement>('input');
    shown.press(first);
    expect(shown.link.sent).toEqual([{ do: 'look', position: 0 }]);
    expect(shown.texts('.moe-TargetPicker .moe-Message')).toEqual([
      'Reading the predictions and the routing of this token…'
    ]);
    shown.dispose();
    const stored = new ShownTool(
      attribution,
      { ...STATE, choices: null },
      { isLive: false }
    );
    expect(stored.texts('.moe-TargetPicker .moe-Message')[0]).toContain(
      'Only the kernel knows'
    );
    stored.dispose();
  });

  it('lists the tokens by strength in a table that opens', async () => {
    const shown = new ShownTool(attribution, STATE);
    const details = [...shown.node.querySelectorAll('details')].at(-1)!;
    await act(async () => {
      details.open = true;
      // The event comes later, as in a browser.
      await new Promise(resolve =>
        details.addEventListener('toggle', resolve, { once: true })
      );
    });
    expect(
      shown.table('Tokens, strongest first').map(([at, , value]) => [at, value])
    ).toEqual([
      ['1', '−2.0000'],
      ['0', '+0.5000']
    ]);
    shown.dispose();
  });

  it('measures faithfulness on request, and shows it beside random orders', () => {
    const shown = new ShownTool(attribution, STATE);
    shown.press('Measure faithfulness');
    expect(shown.link.sent).toEqual([{ do: 'faithfulness' }]);
    shown.tell({
      attribution: {
        ...STATE.attribution,
        faithfulness: {
          counts: [0, 1, 2],
          deletion: [1, 0.75, 0.5],
          insertion: [0.5, 0.75, 1],
          deletionMean: 0.25,
          insertionMean: 0.75,
          random: {
            orders: 8,
            deletionMean: 0.5,
            deletionDeviation: 0.125,
            insertionMean: 0.5,
            insertionDeviation: 0
          }
        }
      }
    });
    expect(shown.table('Faithfulness')).toEqual([
      ['deletion lower is better', '0.2500', '0.5000 ± 0.1250'],
      ['insertion higher is better', '0.7500', '0.5000 ± 0.0000']
    ]);
    shown.dispose();
  });

  it('names a router as the target, and counts steps', () => {
    const shown = new ShownTool(attribution, {
      ...STATE,
      attribution: {
        ...STATE.attribution!,
        target: { kind: 'router', position: 1, ...place, expert: 1 }
      }
    });
    expect(shown.texts('h4')[0]).toContain('expert 1, at token 1');
    shown.tell({ running: true, done: 0, total: 0 });
    expect(shown.texts('.moe-Progress')[0]).toContain(
      'Preparing the gradients'
    );
    shown.tell({ done: 3, total: 8 });
    expect(shown.texts('.moe-Progress')).toEqual(['3 of 8 steps']);
    shown.tell({ done: 8, total: 8 });
    expect(shown.texts('.moe-Progress')[0]).toContain(
      'attribution of layers and experts'
    );
    shown.dispose();
  });
});
