import type { ProfileDocument } from 'moe-debugger/protocol';
import { ReactDrawing } from '../../drawing';
import { viewContext } from '../../testing/fake-source';
import { act } from '../../testing/react';
import { Performance } from '.';
import { flameAt, flameOf, operatorTimes } from './flame';

const PROFILE: ProfileDocument = {
  schema: 'moe-debugger/profile@1',
  model: 'demo',
  prefill: { tokens: 8, runs: 5, milliseconds: 4 },
  oneToken: { tokens: 1, runs: 5, milliseconds: 2 },
  rows: [
    {
      place: 'layer 0',
      part: 'router',
      op: 'TopK',
      milliseconds: 0.5,
      calls: 1
    },
    {
      place: 'layer 0',
      part: 'experts',
      op: 'MatMul',
      milliseconds: 1.5,
      calls: 3
    },
    {
      place: 'layer 2',
      part: 'experts',
      op: 'MatMul',
      milliseconds: 1,
      calls: 3
    }
  ],
  between: 1,
  fused: 0,
  weights: 1000,
  written: 2000,
  bottlenecks: ['MatMul takes 62 %, in 6 nodes'],
  notes: ['a note'],
  events: [{ name: 'w', row: 1, start: 0, duration: 10 }]
};

const rest = { name: 'between nodes', milliseconds: 1 };

describe('the flame', () => {
  it('has the time of each part, and of what is below it', () => {
    const root = flameOf('demo', PROFILE.rows, rest);
    expect(root.milliseconds).toBe(4);
    expect(
      root.children.map(({ name, milliseconds }) => [name, milliseconds])
    ).toEqual([
      ['layer 0', 2],
      ['layer 2', 1],
      ['between nodes', 1]
    ]);
    const way = flameAt(root, ['layer 0', 'experts', 'MatMul']);
    expect(way.map(({ name, calls }) => [name, calls])).toEqual([
      ['demo', 7],
      ['layer 0', 4],
      ['experts', 3],
      ['MatMul', 3]
    ]);
    expect(flameAt(root, ['layer 9', 'experts'])).toEqual([root]);
  });

  it('is summed by operator too', () => {
    expect(operatorTimes(PROFILE.rows)).toEqual([
      { op: 'MatMul', milliseconds: 2.5, calls: 6 },
      { op: 'TopK', milliseconds: 0.5, calls: 1 }
    ]);
  });
});

async function shown() {
  const made = viewContext();
  made.source.model = {
    id: 'm',
    name: 'demo',
    path: '',
    layers: [],
    experts: 3,
    topK: 2,
    status: 'ready'
  };
  const drawing = await act(async () => {
    const own = new ReactDrawing(<Performance context={made.context} />);
    document.body.append(own.node);
    return own;
  });
  const { node } = drawing;
  const press = (name: string) =>
    act(async () => {
      [...node.querySelectorAll('button')]
        .find(own => own.textContent === name)!
        .click();
    });
  return { ...made, node, drawing, press };
}

describe('Performance', () => {
  it('profiles the selected sample, and shows where the time goes', async () => {
    const { node, source, press, context } = await shown();
    const asked: number[] = [];
    source.profile = sample => {
      asked.push(sample);
      return Promise.resolve(PROFILE);
    };
    await act(async () => context.selection.set({ sample: 1 }));
    await act(async () => node.querySelector('button')!.click());
    expect(asked).toEqual([1]);
    expect(node.querySelector('h2')?.textContent).toBe(
      '8 tokens in 4.00 ms: 2,000 tokens/s'
    );
    for (const text of [
      '1 token in 2.00 ms: 500 tokens/s',
      'MatMul takes 62 %',
      'a note'
    ]) {
      expect(node.textContent).toContain(text);
    }
    const bars = () =>
      [...node.querySelectorAll('.moe-Flame-bar')].map(own => own.textContent);
    expect(bars()).toEqual([
      'demo',
      'layer 0',
      'router',
      'TopK',
      'experts',
      'MatMul',
      'layer 2',
      'experts',
      'MatMul',
      'between nodes'
    ]);
    await press('layer 2');
    expect(bars()).toEqual(['layer 2', 'experts', 'MatMul']);
    await press('demo');
    expect(bars()[0]).toBe('demo');
    // Of another sample nothing was measured.
    await act(async () => context.selection.set({ sample: 0 }));
    expect(bars()).toEqual([]);
    await act(async () => context.selection.set({ sample: 1 }));
    expect(bars()[0]).toBe('demo');
  });

  it('is stopped by its button, and when it is closed', async () => {
    const { node, source, press, drawing } = await shown();
    let signal: AbortSignal | undefined;
    source.profile = (_, own) => {
      signal = own;
      return new Promise((_resolve, reject) =>
        own.addEventListener('abort', () => reject(new Error('cancelled')))
      );
    };
    const [first] = node.querySelectorAll('button');
    await act(async () => first.click());
    expect(node.textContent).toContain('Running it with the profiler');
    await press('Stop');
    expect(signal?.aborted).toBe(true);
    expect(node.querySelector('[role=alert]')).toBeNull();
    expect(first.disabled).toBe(false);
    await act(async () => first.click());
    await act(async () => drawing.dispose());
    expect(signal?.aborted).toBe(true);
  });

  it('says why a profile cannot be made', async () => {
    const { node, source } = await shown();
    await act(async () => node.querySelector('button')!.click());
    expect(node.querySelector('[role=alert]')?.textContent).toBe(
      'nothing to profile'
    );
    await act(async () => {
      source.model = undefined;
      source.changed.emit();
    });
    expect(node.querySelector('button')!.disabled).toBe(true);
    expect(node.textContent).toContain('is not loaded here');
  });
});
