import type { CircuitState } from 'moe-debugger/protocol';
import { CIRCUIT_QUESTION } from '../../testing/circuit-question';
import { type } from '../../testing/react';
import { ShownTool } from '../../testing/shown-tool';
import circuit from '.';

const STATE: CircuitState = {
  running: false,
  question: CIRCUIT_QUESTION,
  circuit: {
    schema: 'moe-debugger/circuit@1',
    model: 'demo',
    clean: [
      { position: 0, id: 1, text: 'a' },
      { position: 1, id: 2, text: ' b' }
    ],
    corrupted: 'zero',
    target: {
      kind: 'logit-difference',
      position: 1,
      token: 3,
      text: 'x',
      against: 4,
      againstText: 'y'
    },
    direction: 'noising',
    values: { clean: 1, corrupted: -0.5 },
    nodes: [
      { id: 'embedding', kind: 'embedding', rank: 0, effect: 2 },
      {
        id: 'head',
        kind: 'head',
        layer: 0,
        index: 0,
        rank: 2,
        effect: -0.5,
        effects: [0.25, -0.75]
      },
      { id: 'logits', kind: 'logits', rank: 7, effect: null }
    ],
    edges: [
      { from: 'head', to: 'logits', effect: 4 },
      { from: 'embedding', to: 'head', input: 'value', effect: -3 },
      { from: 'embedding', to: 'logits', effect: 1 }
    ],
    edgesLeftOut: 7,
    threshold: 3,
    faithfulness: {
      of: 'edges',
      total: 3,
      points: [
        { size: 0, threshold: null, value: 0, faithfulness: 0 },
        { size: 2, threshold: 3, value: 0.5, faithfulness: 0.5 }
      ]
    },
    notes: ['Edges below 1 were left out.']
  },
  patches: [],
  done: 0,
  total: 0,
  refusal: null,
  shown: { size: 2, node: 'head' }
};

const status = (shown: ShownTool) =>
  shown.texts('.moe-CircuitThreshold [role=status]')[0];

describe('CircuitView', () => {
  it('shows the target, both values and the notes', () => {
    const shown = new ShownTool(circuit, STATE);
    expect(shown.texts('h4')[0]).toBe(
      'Logit of x minus that of y after token 1'
    );
    expect(shown.texts('.moe-SweepExpert-figures')[0]).toContain('−0.5');
    expect(shown.texts('[role=note]')).toContain(
      'Edges below 1 were left out.'
    );
    expect(shown.node.textContent).toContain(
      'activations of the corrupted prompt are patched into the clean run'
    );
    shown.dispose();
  });

  it('says how much of the circuit a threshold leaves, and how faithful that is', () => {
    const shown = new ShownTool(circuit, STATE);
    expect(status(shown)).toContain('of 10');
    expect(status(shown)).toContain('faithfulness 0.500');
    const slider = shown.labelled<HTMLInputElement>('Threshold');
    expect([slider.min, slider.max]).toEqual(['0', '2']);
    type(slider, '0');
    expect(status(shown)).toContain('faithfulness 0.500, measured at 2');
    type(slider, '2');
    expect(slider.getAttribute('aria-valuetext')).toContain(
      'effects of 4.0000 or more'
    );
    shown.dispose();
  });

  it('shows the selected part, its ways, and measures it by patching', () => {
    const shown = new ShownTool(circuit, STATE);
    const part = shown.labelled('Selected part');
    expect(part.textContent).toContain('first order −0.5');
    expect(shown.texts('.moe-CircuitDetails-way')).toEqual([
      'embedding',
      'logits'
    ]);
    shown.press('Measure by patching');
    const tokens = shown
      .labelled('Token of the effect')
      .querySelectorAll<HTMLInputElement>('input');
    expect(tokens).toHaveLength(3);
    shown.press(tokens[2]);
    expect(part.textContent).toContain('first order −0.75');
    shown.press('Measure by patching');
    expect(shown.link.sent).toEqual([
      { do: 'patch', node: 'head', position: null },
      { do: 'patch', node: 'head', position: 1 }
    ]);
    shown.tell({ patches: [{ node: 'head', position: 1, effect: -0.625 }] });
    expect(part.textContent).toContain('measured by patching −0.625');
    shown.press('logits');
    expect(shown.labelled('Selected part').textContent).toContain(
      'first order –'
    );
    expect(shown.node.textContent).not.toContain('Measure by patching');
    shown.dispose();
  });

  it('finds with what the form says, once that is complete', () => {
    const shown = new ShownTool(circuit, STATE);
    const field = (label: string) => shown.labelled<HTMLInputElement>(label);
    const select = (label: string, value: string) =>
      type(shown.labelled<HTMLSelectElement>(label), value);
    const [clean, corrupted] = shown.node.querySelectorAll('textarea');
    type(corrupted, ' ');
    expect(shown.button('Find').disabled).toBe(true);
    select('Corrupted input', 'mean');
    expect(shown.node.querySelectorAll('textarea')).toHaveLength(1);
    type(clean, 'c d');
    select('Direction', 'denoising');
    select('Target', 'logit-difference');
    type(field('Token, or its id'), 'x');
    type(field('Token that is subtracted, or its id'), 'y');
    shown.press('Find');
    const question = {
      clean: 'c d',
      other: 'mean',
      corrupted: ' ',
      direction: 'denoising',
      edges: true
    };
    expect(shown.link.sent).toEqual([
      {
        do: 'find',
        question: {
          ...question,
          target: {
            kind: 'logit-difference',
            position: null,
            token: 'x',
            against: 'y',
            layer: 0,
            expert: 0
          }
        }
      }
    ]);
    select('Target', 'router');
    const [layer, expert] =
      shown.node.querySelectorAll<HTMLInputElement>('input[type=number]');
    type(layer, '');
    expect(shown.button('Find').disabled).toBe(true);
    type(layer, '1');
    type(expert, '2');
    shown.press('Find');
    expect(shown.link.sent.at(-1)).toMatchObject({
      question: { target: { kind: 'router', layer: 1, expert: 2 } }
    });
    shown.dispose();
  });

  it('saves the circuit in three forms, without a kernel', () => {
    const shown = new ShownTool(circuit, STATE, { isLive: false });
    const saved: [string, Blob][] = [];
    let last!: Blob;
    const url = { create: URL.createObjectURL, revoke: URL.revokeObjectURL };
    URL.createObjectURL = blob => {
      last = blob as Blob;
      return 'blob:1';
    };
    URL.revokeObjectURL = () => undefined;
    const click = jest
      .spyOn(HTMLAnchorElement.prototype, 'click')
      .mockImplementation(function (this: HTMLAnchorElement) {
        saved.push([this.download, last]);
      });
    for (const name of ['DOT', 'Mermaid', 'JSON']) {
      shown.press(name);
    }
    click.mockRestore();
    URL.createObjectURL = url.create;
    URL.revokeObjectURL = url.revoke;
    expect(saved.map(([name, { size }]) => [name, size > 0])).toEqual([
      ['circuit.dot', true],
      ['circuit.mmd', true],
      ['circuit.json', true]
    ]);
    shown.dispose();
  });

  it('counts runs, and says what to type first', () => {
    const shown = new ShownTool(circuit, { ...STATE, circuit: null });
    expect(shown.node.textContent).toContain('Type two prompts');
    shown.tell({ running: true });
    expect(shown.texts('.moe-Progress')[0]).toContain('Preparing the graph');
    shown.tell({ done: 3, total: 9 });
    expect(shown.texts('.moe-Progress')).toEqual(['3 of 9 runs']);
    shown.dispose();
  });
});
