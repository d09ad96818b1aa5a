import {
  readAttributionState,
  type AttributionState
} from 'moe-debugger/protocol';
import { FakeLink } from '../../testing/fake-link';
import { AttributionModel } from './model';

const PLACE = { layer: 3, module: 'mlp' };
const STATE: AttributionState = {
  running: false,
  question: {
    prompt: 'a b c',
    target: null,
    method: 'ig',
    steps: 8,
    baseline: { kind: 'zero', text: '' }
  },
  attribution: {
    schema: 'moe-debugger/attribute@1',
    target: { kind: 'router', position: 2, ...PLACE, expert: 1 },
    method: 'ig',
    baseline: 'zero',
    tokens: [0.5, -2, 1].map((attribution, position) => ({
      position,
      id: position,
      attribution
    })),
    value: 1,
    baselineValue: 0,
    gap: -1.5,
    warnings: []
  },
  choices: {
    position: 2,
    logits: { position: 2, top: [], actual: null },
    routers: [
      { layer: 3, position: 2, experts: 4, chosen: [] },
      { ...PLACE, position: 2, experts: 4, chosen: [] }
    ]
  },
  done: 8,
  total: 8,
  refusal: null
};

const stored = () =>
  new AttributionModel({
    modelName: 'demo',
    state: STATE,
    read: readAttributionState
  });

function live(): { model: AttributionModel; link: FakeLink } {
  const link = new FakeLink(STATE);
  const model = stored();
  model.link = link;
  return { model, link };
}

describe('AttributionModel', () => {
  it('selects the explained token and router at first', () => {
    const { model } = live();
    expect([model.position, model.router, model.peak]).toEqual([2, 1, 2]);
    expect(model.choices).toEqual(STATE.choices);
    const target = { kind: 'router' as const, position: 2, expert: 1 };
    expect(model.isTarget({ ...target, ...PLACE })).toBe(true);
    expect(model.isTarget({ ...target, layer: 3 })).toBe(false);
    expect(model.isTarget({ kind: 'logit', position: 2, token: 1 })).toBe(
      false
    );
  });

  it('asks for the targets of a token, and shows none of another', () => {
    const { model, link } = live();
    model.position = 1;
    expect(link.sent).toEqual([{ do: 'look', position: 1 }]);
    expect(model.choices).toBeUndefined();
    link.tell({ choices: { ...STATE.choices, position: 1 } });
    expect(model.choices?.position).toBe(1);
    model.position = 99;
    expect(model.position).toBe(2);
  });

  it('sends the form, with the target only if the prompt is the same', () => {
    const { model, link } = live();
    const target = { kind: 'logit' as const, position: 0, token: 7 };
    model.settings = { ...model.settings, method: 'occlusion' };
    model.explain(target);
    const question = { ...STATE.question, method: 'occlusion', target };
    expect(link.sent.pop()).toEqual({ do: 'attribute', question });
    link.tell({ question });
    model.ask('a b c');
    expect(link.sent.pop()).toEqual({ do: 'attribute', question });
    model.ask('other');
    expect(link.sent.pop()).toEqual({
      do: 'attribute',
      question: { ...question, prompt: 'other', target: null }
    });
  });

  it('keeps changed settings when an answer arrives, and follows the kernel without a change', () => {
    const { model, link } = live();
    model.settings = { ...model.settings, steps: 32 };
    model.position = 0;
    link.tell({ done: 4, running: true });
    expect([model.settings.steps, model.position]).toEqual([32, 0]);
    link.tell({
      question: { ...STATE.question, steps: 16 },
      attribution: {
        ...STATE.attribution,
        target: { kind: 'logit', position: 1, token: 3 }
      },
      choices: { ...STATE.choices, position: 1 }
    });
    expect([model.settings.steps, model.position]).toEqual([32, 1]);
    link.tell({ question: { ...STATE.question, steps: 32 } });
    link.tell({ question: { ...STATE.question, steps: 64 } });
    expect(model.settings.steps).toBe(64);
  });

  it('sends the last valid number of steps when the field holds none', () => {
    const { model, link } = live();
    model.settings = { ...model.settings, steps: NaN };
    model.explain({ kind: 'logit', position: 0, token: 7 });
    model.ask('a b c');
    expect(link.sent).toMatchObject([
      { question: { steps: STATE.question.steps } },
      { question: { steps: STATE.question.steps } }
    ]);
  });

  it('works without a kernel, and sends nothing', () => {
    const model = stored();
    model.position = 0;
    model.explain({ kind: 'logit', position: 0, token: null });
    expect(model.isLive).toBe(false);
    expect(model.choices).toBeUndefined();
  });
});
