import type { ExpertElement, ModelElement } from 'moe-debugger/protocol';
import { ReactDrawing } from '../../drawing';
import { viewContext } from '../../testing/fake-source';
import { act, type } from '../../testing/react';
import { Elements } from '.';
import { pathOf, treeRows } from './rows';

// The tree draws the rows that fit into its element, and elements have no size here.
Object.defineProperties(HTMLElement.prototype, {
  clientHeight: { get: () => 600 },
  clientWidth: { get: () => 800 }
});

const part = (
  kind: ModelElement['kind'],
  name: string,
  more: Partial<ModelElement> = {}
): ModelElement => ({
  kind,
  name,
  parameters: 1000,
  bytes: 4000,
  stored: [{ bits: 8, quantized: true, parameters: 1000 }],
  facts: [],
  children: [],
  ...more
});

const layer = (index: number, router: number): ModelElement =>
  part('layer', `layer ${index}`, {
    children: [
      part('attention', 'attention'),
      part('moe', 'mixture of experts', {
        children: [
          part('router', 'router', { router, place: { layer: index } }),
          part('experts', '3 experts', {
            router,
            place: { layer: index },
            experts: [300, 300, 300]
          })
        ]
      })
    ]
  });

// The layers of the fake trace are 0 and 2.
const MODEL = part('model', 'demo', {
  facts: [['opset', '18']],
  children: [part('other', 'embeddings'), layer(0, 0), layer(2, 1)]
});

const EXPERT: ExpertElement = {
  model: 'demo',
  layer: 2,
  experts: 3,
  topK: 2,
  score: 'softmax',
  expert: 0,
  weights: [
    {
      tensor: 'w',
      role: 'down',
      shape: [10, 30],
      bits: 8,
      quantized: true,
      elements: 300,
      nonFinite: 2,
      zeros: 7,
      norm: 12.5,
      mean: 0.01,
      deviation: 0.5,
      min: -1,
      max: 1,
      histogram: [1, 2, 3],
      spectrum: [3, 2, 1],
      effectiveRank: 2.75
    }
  ],
  likeness: [1, 0.25, 0.5],
  notes: ['a note']
};

const texts = (rows: ReturnType<typeof treeRows>) =>
  rows.map(
    ({ element, expert, depth }) =>
      `${'  '.repeat(depth)}${expert === undefined ? element.name : `expert ${expert}`}`
  );

describe('the rows of the tree', () => {
  it('are those whose parents are open', () => {
    expect(texts(treeRows(MODEL, new Set()))).toEqual(['demo']);
    expect(
      texts(treeRows(MODEL, new Set(['', '/2', '/2/1', '/2/1/1'])))
    ).toEqual([
      'demo',
      '  embeddings',
      '  layer 0',
      '  layer 2',
      '    attention',
      '    mixture of experts',
      '      router',
      '      3 experts',
      '        expert 0',
      '        expert 1',
      '        expert 2'
    ]);
  });

  it('are found by the words of their path, wherever they are', () => {
    expect(texts(treeRows(MODEL, new Set(), 'layer 2 expert 1'))).toEqual([
      'demo',
      '  layer 2',
      '    mixture of experts',
      '      3 experts',
      '        expert 1'
    ]);
    expect(texts(treeRows(MODEL, new Set(), 'router'))).toEqual([
      'demo',
      '  layer 0',
      '    mixture of experts',
      '      router',
      '  layer 2',
      '    mixture of experts',
      '      router'
    ]);
    expect(texts(treeRows(MODEL, new Set(), 'layer 2'))).toEqual([
      'demo',
      '  layer 2'
    ]);
    expect(treeRows(MODEL, new Set(), 'nothing')).toEqual([]);
  });

  it('tell the way to an expert', () => {
    expect(pathOf(MODEL, { layer: 2 }, 1)).toEqual({
      key: '/2/1/1#1',
      above: ['', '/2', '/2/1', '/2/1/1']
    });
    expect(pathOf(MODEL, { layer: 2 }, 3)).toBeUndefined();
    expect(pathOf(MODEL, { layer: 1 }, 0)).toBeUndefined();
  });
});

async function shown(more: { element?: ModelElement } = { element: MODEL }) {
  const { context, source, opened } = viewContext();
  source.model = {
    id: 'm',
    name: 'demo',
    path: '',
    layers: ['layer 0', 'layer 2'],
    experts: 3,
    topK: 2,
    status: 'ready'
  };
  source.element = more.element;
  source.expertElement = EXPERT;
  let drawing!: ReactDrawing;
  await act(async () => {
    drawing = new ReactDrawing(<Elements context={context} />);
    document.body.append(drawing.node);
  });
  const { node } = drawing;
  const rows = () =>
    [...node.querySelectorAll('[role=treeitem]')].map(
      own => own.querySelector('span')?.textContent
    );
  const press = (...keys: string[]) =>
    act(async () => {
      for (const key of keys) {
        node
          .querySelector('[role=tree]')!
          .dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
      }
    });
  return { context, source, opened, node, rows, press };
}

describe('Elements', () => {
  it('shows the parts of the model, and the selected one', async () => {
    const { node, rows, press } = await shown();
    expect(rows()).toEqual(['demo', 'embeddings', 'layer 0', 'layer 2']);
    expect(node.querySelector('h2')?.textContent).toBe('demo');
    expect(node.textContent).toContain('8-bit integers');
    expect(node.textContent).toContain('opset18');
    await press('ArrowDown');
    expect(node.querySelector('h2')?.textContent).toBe('embeddings');
  });

  it('is walked by keys down to an expert, which is selected everywhere', async () => {
    const { node, context, source, rows, press, opened } = await shown();
    await press('End');
    await press('ArrowRight');
    await press('End');
    await press('ArrowRight');
    await press('End');
    await press('ArrowRight');
    await press('End');
    expect(rows().at(-1)).toBe('expert 2');
    expect(context.selection.current).toMatchObject({
      layerIndex: 1,
      expert: 2
    });
    expect(source.askedExperts).toEqual(['1:2']);
    expect(node.querySelector('h2')?.textContent).toBe('Expert 2 of layer 2');
    for (const text of [
      'down10 × 30, ‖·‖ 12.50, 2 NaN or ∞',
      'effective rank 2.8 of 3',
      'most alike: expert 0, 1.00',
      'a note'
    ]) {
      expect(node.textContent).toContain(text);
    }
    expect(node.querySelectorAll('svg[role=img]')).toHaveLength(3);
    await press('ArrowLeft');
    expect(node.querySelector('h2')?.textContent).toBe('3 experts');
    await press('ArrowLeft');
    expect(rows().at(-1)).toBe('3 experts');
    expect(opened).toEqual([]);
  });

  it('opens the way to an expert that is chosen elsewhere, and lists its tokens', async () => {
    const { node, context, rows, opened } = await shown();
    await act(async () => context.selection.set({ layerIndex: 0, expert: 1 }));
    expect(rows()).toContain('expert 1');
    expect(node.querySelector('[aria-selected=true] span')?.textContent).toBe(
      'expert 1'
    );
    const button = [...node.querySelectorAll('button')].find(own =>
      own.textContent?.startsWith('See its')
    )!;
    await act(async () => button.click());
    expect(context.network.filter).toBe('expert:0:1');
    expect(opened).toEqual(['network']);
  });

  it('filters, and says when nothing has the name', async () => {
    const { node, rows } = await shown();
    const field = node.querySelector('input')!;
    await act(async () => type(field, 'layer 0 expert 2'));
    expect(rows().at(-1)).toBe('expert 2');
    await act(async () => type(field, 'nothing'));
    expect(node.textContent).toContain('No part has this name.');
  });

  it('says why the model cannot be read, and tries again', async () => {
    const { node, source } = await shown({});
    expect(node.textContent).toContain('the model is gone');
    source.element = MODEL;
    await act(async () => node.querySelector('button')!.click());
    expect(node.querySelector('h2')?.textContent).toBe('demo');
  });

  it('reads each model once, and not what another one had', async () => {
    const { node, source } = await shown();
    let asked = 0;
    const { elements } = source;
    source.elements = () => {
      asked++;
      return elements.call(source);
    };
    await act(async () => source.changed.emit());
    expect(asked).toBe(0);
    source.element = part('model', 'other');
    await act(async () => {
      source.model = { ...source.model!, id: 'n' };
      source.changed.emit();
    });
    expect(asked).toBe(1);
    expect(node.querySelector('h2')?.textContent).toBe('other');
    source.element = undefined;
    await act(async () => {
      source.model = { ...source.model!, id: 'o' };
      source.changed.emit();
    });
    expect(node.textContent).toContain('the model is gone');
  });

  it('says what to do where no model is loaded', async () => {
    const { context, source } = viewContext();
    source.model = undefined;
    let drawing!: ReactDrawing;
    await act(async () => {
      drawing = new ReactDrawing(<Elements context={context} />);
    });
    expect(drawing.node.textContent).toContain('No model is loaded.');
  });
});
