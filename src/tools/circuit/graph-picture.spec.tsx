import { nullTranslator } from '@jupyterlab/translation';
import { readCircuitState, type CircuitState } from 'moe-debugger/protocol';
import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { CIRCUIT_QUESTION } from '../../testing/circuit-question';
import { GraphPicture } from './graph-picture';
import { CircuitModel } from './model';

/** Two heads of layer 0 and one of layer 1, with two experts between. */
const STATE: CircuitState = {
  running: false,
  question: CIRCUIT_QUESTION,
  circuit: {
    schema: 'moe-debugger/circuit@1',
    model: 'demo',
    clean: [{ position: 0, id: 1 }],
    corrupted: 'zero',
    target: { kind: 'logit', position: 0, token: 3 },
    direction: 'noising',
    values: { clean: 1, corrupted: 0 },
    nodes: [
      { id: 'embedding', kind: 'embedding', rank: 0, effect: 2 },
      ...[0, 1].map(index => ({
        id: `layer 0 head ${index}`,
        kind: 'head' as const,
        layer: 0,
        index,
        rank: 2,
        effect: 1
      })),
      {
        id: 'layer 0 experts',
        kind: 'moe' as const,
        layer: 0,
        rank: 4,
        effect: 1
      },
      ...[0, 1].map(index => ({
        id: `layer 0 expert ${index}`,
        kind: 'expert' as const,
        layer: 0,
        index,
        within: 'layer 0 experts',
        rank: 5,
        effect: -1
      })),
      {
        id: 'layer 1 head 0',
        kind: 'head' as const,
        layer: 1,
        index: 0,
        rank: 8,
        effect: 1
      },
      { id: 'logits', kind: 'logits', rank: 13, effect: null }
    ],
    edges: [
      { from: 'layer 1 head 0', to: 'logits', effect: 8 },
      { from: 'layer 0 expert 0', to: 'layer 1 head 0', effect: -6 },
      { from: 'layer 0 head 0', to: 'layer 0 experts', effect: 5 },
      { from: 'embedding', to: 'layer 0 head 0', effect: 4 },
      { from: 'layer 0 expert 1', to: 'logits', effect: 2 },
      { from: 'embedding', to: 'layer 0 head 1', effect: 1.5 },
      { from: 'layer 0 head 1', to: 'layer 1 head 0', effect: 1 }
    ],
    edgesLeftOut: 0,
    threshold: 0,
    notes: []
  },
  patches: [],
  done: 0,
  total: 0,
  refusal: null
};

describe('GraphPicture', () => {
  let box: HTMLElement;
  let root: Root;
  let model: CircuitModel;
  const trans = nullTranslator.load('');
  const show = (width: number): void =>
    act(() =>
      root.render(<GraphPicture model={model} trans={trans} width={width} />)
    );
  const part = (id: string): SVGGElement =>
    box.querySelector<SVGGElement>(`[data-node="${id}"]`)!;
  const press = (key: string): void =>
    act(() => {
      document.activeElement!.dispatchEvent(
        new KeyboardEvent('keydown', { key, bubbles: true })
      );
    });
  const focused = (): string | null | undefined =>
    document.activeElement?.getAttribute('data-node');

  beforeEach(() => {
    // jsdom has none of these.
    window.CSS = { escape: (text: string) => text } as typeof CSS;
    window.structuredClone = (value: unknown) =>
      JSON.parse(JSON.stringify(value));
    Object.assign(window, { IS_REACT_ACT_ENVIRONMENT: true });
    box = document.body.appendChild(document.createElement('div'));
    root = createRoot(box);
    model = new CircuitModel({
      modelName: 'demo',
      state: STATE,
      read: readCircuitState
    });
    model.changed.connect(() => show(400));
    show(400);
  });

  afterEach(() => {
    act(() => root.unmount());
    box.remove();
  });

  it('has a button for each part, a line for each edge, and a link to each expert', () => {
    expect(
      [...box.querySelectorAll('[role="button"]')].map(own =>
        own.getAttribute('data-node')
      )
    ).toEqual(STATE.circuit!.nodes.map(({ id }) => id));
    const lines = [...box.querySelectorAll('.moe-CircuitGraph-edges path')];
    expect(lines.map(line => line.getAttribute('class'))).toEqual([
      null,
      'moe-mod-negative',
      null,
      null,
      null,
      null,
      null,
      'moe-mod-link',
      'moe-mod-link'
    ]);
    const widths = lines
      .slice(0, 7)
      .map(line => Number(line.getAttribute('stroke-width')));
    expect(widths[0]).toBe(6);
    expect(widths).toEqual([...widths].sort((a, b) => b - a));
    expect(box.textContent).toContain('0 attn');
    expect(box.textContent).toContain('1 attn');
    expect(box.textContent).toContain('0 experts');
  });

  it('keeps the layout at each threshold, and draws excluded parts pale', () => {
    const places = () =>
      [...box.querySelectorAll('.moe-CircuitNode rect')].map(rect =>
        ['x', 'y', 'width'].map(name => rect.getAttribute(name))
      );
    const before = places();
    model.size = 1;
    expect(places()).toEqual(before);
    expect(box.querySelectorAll('.moe-mod-outside')).toHaveLength(6);
    expect(box.querySelectorAll('[role="button"]')).toHaveLength(2);
    expect(box.querySelectorAll('.moe-CircuitGraph-edges path')).toHaveLength(
      1
    );
  });

  it('moves between parts by arrow keys, skipping excluded ones', () => {
    part('logits').focus();
    press('ArrowDown');
    expect(focused()).toBe('layer 1 head 0');
    press('ArrowUp');
    expect(focused()).toBe('logits');
    press('ArrowUp');
    expect(focused()).toBe('logits');
    for (let row = 0; row < 5; row++) {
      press('ArrowDown');
    }
    expect(focused()).toBe('embedding');
    press('ArrowUp');
    const [left, right] = [0, 1]
      .map(index => part(`layer 0 head ${index}`))
      .sort(
        (a, b) =>
          Number(a.querySelector('rect')!.getAttribute('x')) -
          Number(b.querySelector('rect')!.getAttribute('x'))
      )
      .map(own => own.getAttribute('data-node'));
    press('ArrowLeft');
    expect(focused()).toBe(left);
    press('ArrowRight');
    expect(focused()).toBe(right);
    press('ArrowRight');
    expect(focused()).toBe(right);
    model.size = 1;
    part('logits').focus();
    press('ArrowDown');
    press('ArrowDown');
    expect(focused()).toBe('layer 1 head 0');
  });

  it('selects a part by Enter, and dims edges that do not touch it', () => {
    part('layer 1 head 0').focus();
    press('Enter');
    expect(model.selected?.id).toBe('layer 1 head 0');
    expect(part('layer 1 head 0').getAttribute('aria-pressed')).toBe('true');
    const opacity = [
      ...box.querySelectorAll('.moe-CircuitGraph-edges path')
    ].map(line => line.getAttribute('stroke-opacity'));
    expect(opacity.filter(own => own === '0.75')).toHaveLength(3);
    press('Enter');
    expect(model.selected).toBeUndefined();
  });

  it.each([150, 400, 1000])('is no wider than %i pixels', width => {
    show(width);
    expect(
      Number(box.querySelector('svg')!.getAttribute('width'))
    ).toBeLessThanOrEqual(width);
  });
});
