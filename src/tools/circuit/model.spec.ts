import { readCircuitState, type CircuitState } from 'moe-debugger/protocol';
import { CIRCUIT_QUESTION } from '../../testing/circuit-question';
import { FakeLink } from '../../testing/fake-link';
import { CircuitModel, MAX_DRAWN } from './model';

/** Two heads and an expert, of which the strongest edges leave some at each threshold. */
const STATE: CircuitState = {
  running: false,
  question: CIRCUIT_QUESTION,
  circuit: {
    schema: 'moe-debugger/circuit@1',
    model: 'demo',
    clean: [
      { position: 0, id: 1 },
      { position: 1, id: 2 }
    ],
    corrupted: 'zero',
    target: { kind: 'logit', position: 1, token: 3 },
    direction: 'noising',
    values: { clean: 1, corrupted: 0 },
    nodes: [
      { id: 'embedding', kind: 'embedding', rank: 0, effect: 2 },
      {
        id: 'head',
        kind: 'head',
        layer: 0,
        index: 0,
        rank: 2,
        effect: -0.5,
        effects: [0.25, -0.75],
        patched: -0.4,
        patchedAt: [null, -0.7]
      },
      { id: 'experts', kind: 'moe', layer: 0, rank: 4, effect: 0.5 },
      {
        id: 'expert',
        kind: 'expert',
        layer: 0,
        index: 0,
        within: 'experts',
        rank: 5,
        effect: 0.5
      },
      { id: 'logits', kind: 'logits', rank: 7, effect: null }
    ],
    edges: [
      { from: 'head', to: 'logits', effect: 4 },
      { from: 'embedding', to: 'head', input: 'value', effect: -3 },
      { from: 'expert', to: 'logits', effect: 2 },
      { from: 'embedding', to: 'experts', effect: 1 }
    ],
    edgesLeftOut: 0,
    threshold: 3,
    faithfulness: {
      of: 'edges',
      total: 4,
      points: [
        { size: 0, threshold: null, value: 0, faithfulness: 0 },
        { size: 2, threshold: 3, value: 0.5, faithfulness: 0.5 },
        { size: 4, threshold: 1, value: 1, faithfulness: 1 }
      ]
    },
    notes: []
  },
  patches: [],
  done: 0,
  total: 0,
  refusal: null
};

const stored = (state: CircuitState = STATE) =>
  new CircuitModel({ modelName: 'demo', state, read: readCircuitState });

function live(): { model: CircuitModel; link: FakeLink } {
  const link = new FakeLink(STATE);
  const model = stored();
  model.link = link;
  return { model, link };
}

const ids = ({ pruned }: CircuitModel): string[] =>
  pruned.nodes.map(({ id }) => id);

describe('CircuitModel', () => {
  it('starts at the threshold of the circuit, and shrinks as it rises', () => {
    const model = stored();
    expect(model.sizes).toEqual([1, 2, 3, 4]);
    expect([model.size, model.threshold, model.peak]).toEqual([2, 3, 4]);
    expect(ids(model)).toEqual(['embedding', 'head', 'logits']);
    model.size = 1;
    expect(model.threshold).toBe(4);
    expect(ids(model)).toEqual(['head', 'logits']);
    model.size = 4;
    expect(ids(model)).toHaveLength(5);
  });

  it('has the same layout at each threshold', () => {
    const model = stored();
    const { stage } = model;
    expect(stage.nodes).toHaveLength(5);
    expect(stage.edges).toHaveLength(4);
    model.size = 1;
    expect(model.stage).toBe(stage);
    expect(model.drawn.nodes.map(({ id }) => id)).toEqual(['head', 'logits']);
  });

  it('gives the faithfulness at this size, or at the largest measured size below it', () => {
    const model = stored();
    expect(model.faithfulness).toMatchObject({
      point: { faithfulness: 0.5 },
      isSmaller: false
    });
    model.size = 3;
    expect(model.faithfulness).toMatchObject({
      point: { size: 2 },
      isSmaller: true
    });
  });

  it('shows first-order effects beside measured ones, at each token', () => {
    const { model, link } = live();
    const node = STATE.circuit!.nodes[1];
    model.selected = node;
    expect([model.firstOrder(node), model.measured(node)]).toEqual([
      -0.5, -0.4
    ]);
    model.position = 1;
    expect([model.firstOrder(node), model.measured(node)]).toEqual([
      -0.75, -0.7
    ]);
    model.position = 0;
    expect(model.measured(node)).toBeUndefined();
    model.patch();
    expect(link.sent).toEqual([{ do: 'patch', node: 'head', position: 0 }]);
    link.tell({ patches: [{ node: 'head', position: 0, effect: 0.2 }] });
    expect([model.position, model.measured(node)]).toEqual([0, 0.2]);
  });

  it('sends zeros for numbers that are missing and that its target does not need', () => {
    const { model, link } = live();
    const { target } = model.draft;
    model.draft = { ...model.draft, target: { ...target, layer: NaN } };
    model.find();
    expect(link.sent).toMatchObject([
      { do: 'find', question: { target: { layer: 0 } } }
    ]);
  });

  it('keeps the selection and the form during progress, and resets the selection with another circuit', () => {
    const { model, link } = live();
    model.size = 4;
    model.selected = STATE.circuit!.nodes[1];
    model.draft = { ...model.draft, clean: 'x y' };
    link.tell({ running: true, done: 1 });
    expect([model.size, model.selected?.id, model.draft.clean]).toEqual([
      4,
      'head',
      'x y'
    ]);
    link.tell({
      question: { ...STATE.question, clean: 'c d' },
      circuit: { ...STATE.circuit!, values: { clean: 5, corrupted: 0 } }
    });
    expect([model.size, model.selected, model.draft.clean]).toEqual([
      2,
      undefined,
      'x y'
    ]);
    link.tell({ question: { ...STATE.question, clean: 'x y' } });
    link.tell({ question: { ...STATE.question, clean: 'c d' } });
    expect(model.draft.clean).toBe('c d');
  });

  it('restores the selection without a kernel', () => {
    const first = stored();
    first.size = 3;
    first.selected = STATE.circuit!.nodes[3];
    const model = stored(
      JSON.parse(JSON.stringify(first.stored)) as CircuitState
    );
    expect([model.size, model.selected?.id]).toEqual([3, 'expert']);
    expect(model.isLive).toBe(false);
    expect(() => model.patch()).not.toThrow();
  });

  it('prunes nodes if there are no edges', () => {
    const model = stored({
      ...STATE,
      circuit: { ...STATE.circuit!, edges: [], threshold: 0.5 }
    });
    expect([model.size, model.peak]).toEqual([4, 2]);
    model.size = 1;
    expect(ids(model)).toEqual(['embedding', 'logits']);
  });

  it('draws a limited part of a large circuit', () => {
    const heads = Array.from({ length: 3000 }, (_, index) => ({
      id: `h${index}`,
      kind: 'head' as const,
      layer: 0,
      index,
      rank: 2,
      effect: 1
    }));
    const model = stored({
      ...STATE,
      circuit: {
        ...STATE.circuit!,
        threshold: 0,
        nodes: [...heads, STATE.circuit!.nodes[4]],
        edges: heads.map(({ id, index }) => ({
          from: id,
          to: 'logits',
          effect: 1 + index
        }))
      }
    });
    expect(model.pruned.edges).toHaveLength(3000);
    expect(model.drawn.edges).toHaveLength(MAX_DRAWN);
    expect(Math.min(...model.drawn.edges.map(({ effect }) => effect))).toBe(
      3001 - MAX_DRAWN
    );
    expect(model.sizes.length).toBeLessThan(130);
  });
});
