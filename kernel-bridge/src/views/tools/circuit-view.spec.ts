/** Circuit view as a page uses it; expected numbers come from the model's own methods. */
import { loadModel, type MoEModel } from '../..';
import { DEMO } from '../../../test/zoo';
import { readCircuitState, type CircuitQuestion } from '../../base/protocol';

const CLEAN = 'def fib(n):';
const CORRUPTED = 'def fib(x):';
const SEARCH = { steps: 1, measure: 3, randomCircuits: 0, seed: 5 } as const;
const QUESTION: CircuitQuestion = {
  clean: CLEAN,
  other: 'prompt',
  corrupted: CORRUPTED,
  target: {
    kind: 'logit',
    position: null,
    token: '',
    against: '',
    layer: 0,
    expert: 0
  },
  direction: 'noising',
  edges: false
};
const json = (value: object): unknown =>
  JSON.parse(JSON.stringify(value)) as unknown;

let model: MoEModel;
beforeAll(async () => {
  model = await loadModel(DEMO);
});
afterAll(() => model.dispose());

describe('CircuitView', () => {
  it('comes to the circuit that the model finds, its strongest edges', async () => {
    const tool = model.tools.circuit({
      clean: CLEAN,
      corrupted: CORRUPTED,
      ...SEARCH
    });
    await tool.find();
    const found = await model.circuit(CLEAN, CORRUPTED, SEARCH);
    const { circuit } = tool.state;
    expect(tool.state.refusal).toBeNull();
    expect(circuit!.values).toEqual({
      clean: expect.closeTo(found.data.values.clean, 4) as number,
      corrupted: expect.closeTo(found.data.values.corrupted, 4) as number
    });
    expect(circuit!.nodes.map(({ id }) => id)).toEqual(
      found.nodes.map(({ id }) => id)
    );
    circuit!.nodes.forEach(({ effect }, i) => {
      const own = found.nodes[i].effect;
      expect(effect === null).toBe(own === null);
      expect(effect ?? 0).toBeCloseTo(own ?? 0, 3);
    });
    expect(circuit!.edges.length + circuit!.edgesLeftOut).toBe(
      found.edges.length + found.data.edgesLeftOut
    );
    expect(circuit!.edges.length).toBeLessThanOrEqual(1000);
    expect(circuit!.edges[0].effect).toBeCloseTo(found.edges[0].effect, 3);
    expect(readCircuitState(json(tool.state))).toEqual(json(tool.state));
    expect(tool.toString()).toContain(`CircuitView of demo`);
  });

  it('patches a part for real, at a token or at all', async () => {
    const tool = model.tools.circuit({
      clean: CLEAN,
      corrupted: CORRUPTED,
      edges: false,
      faithfulness: false,
      steps: 1,
      measure: 0
    });
    await tool.find();
    const cells = [
      { node: 'layer 0 head 1' },
      { node: 'layer 2 residual', position: 3 },
      { node: 'layer 2 residual', position: 4 }
    ];
    for (const { node, position } of cells) {
      tool.act({ do: 'patch', node, position: position ?? null });
      await tool.patch(node, position ?? null);
    }
    const patched = await model.patch(CLEAN, CORRUPTED, cells);
    expect(tool.state.patches).toEqual(
      patched.map(({ node, position = null, effect }) => ({
        node,
        position,
        effect: expect.closeTo(effect, 3) as number
      }))
    );
    // The prompts differ at token 4: earlier tokens are the same in both.
    const [, before, there] = tool.state.patches;
    expect(before.effect).toBeCloseTo(0, 4);
    expect(Math.abs(there.effect!)).toBeGreaterThan(0.01);
    expect(readCircuitState(json(tool.state))).toEqual(json(tool.state));
    await tool.patch('layer 99 head 0');
    expect(tool.state.refusal?.text).toMatch(/no node "layer 99 head 0"/);
    expect(tool.state.patches).toHaveLength(3);
  });

  it('forgets what was found between other prompts, and refuses nonsense', async () => {
    const tool = model.tools.circuit({ steps: 1, measure: 0 });
    await tool.patch('layer 0 head 1');
    expect(tool.state.refusal?.text).toMatch(/find one first/);
    tool.act({ do: 'find', question: QUESTION });
    tool.act({ do: 'cancel' });
    await tool.cancel();
    expect(tool.state).toMatchObject({ running: false, circuit: null });
    for (const [change, reason] of [
      [{ corrupted: 'one' }, /same number of tokens/],
      [
        {
          target: { ...QUESTION.target, kind: 'router', layer: 77 }
        },
        /layer 77 has no router/
      ],
      [
        { target: { ...QUESTION.target, token: 'not one token' } },
        /a target must be one/
      ]
    ] as const) {
      tool.act({ do: 'find', question: { ...QUESTION, ...change } });
      await tool.find();
      expect(tool.state.refusal?.text).toMatch(reason);
      expect(tool.state.circuit).toBeNull();
    }
    tool.act({ do: 'find', question: { ...QUESTION, clean: 5 } });
    expect(tool.state.refusal?.text).toBe('question.clean is not text');
  });
});
