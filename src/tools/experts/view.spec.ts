import type { ExpertsState } from 'moe-debugger/protocol';
import { act, type } from '../../testing/react';
import { ShownTool } from '../../testing/shown-tool';
import experts from '.';

const STATE: ExpertsState = {
  running: false,
  rows: [
    { layer: 0, experts: 4, topK: 2 },
    { layer: 1, experts: 4, topK: 1 }
  ],
  prompt: 'a',
  maxNewTokens: 4,
  edits: [{ row: 1, expert: 0, kind: 'swap', to: 2 }],
  topK: [null, 3],
  canUndo: true,
  canRedo: false,
  traced: [
    [0, 0.25, 0.75, 1],
    [0.5, 0.5, 0, 0]
  ],
  original: null,
  edited: null,
  refusal: null
};

const frame = () =>
  act(() => new Promise(resolve => requestAnimationFrame(resolve)));

function shown(state: object = STATE, isLive = true) {
  const tool = new ShownTool(experts, state, { isLive });
  const grid = tool.node.querySelector<HTMLElement>('[role=grid]')!;
  return {
    tool,
    grid,
    cell: (row: number, expert: number) =>
      grid.querySelector<HTMLElement>(
        `[data-row="${row}"][data-expert="${expert}"]`
      )!,
    key: (key: string, more: KeyboardEventInit = {}) => {
      const event = new KeyboardEvent('keydown', {
        key,
        bubbles: true,
        cancelable: true,
        ...more
      });
      act(() => {
        grid.dispatchEvent(event);
      });
      return event.defaultPrevented;
    },
    current: () => grid.getAttribute('aria-activedescendant')!.slice(-3)
  };
}

// What a browser does, and jsdom does not.
Element.prototype.scrollIntoView = () => undefined;

describe('ExpertsView', () => {
  it('draws token rates, edits and top-k of each layer', () => {
    const { tool, cell, grid } = shown();
    expect(cell(0, 2).getAttribute('aria-label')).toBe(
      'layer 0, expert 2, token rate 0.750'
    );
    expect(cell(1, 0).textContent).toBe('→2');
    expect(cell(1, 0).getAttribute('aria-label')).toBe(
      'layer 1, expert 0, token rate 0.500, swapped for expert 2'
    );
    expect(tool.texts('.moe-LayerGrid-tail')).toEqual(['k', '2', '3']);
    expect(grid.getAttribute('aria-colcount')).toBe('6');
    expect(tool.texts('h4')[1]).toContain('Edited · 2 edits');
    tool.dispose();
  });

  it('moves the cursor by keys within the grid, and leaves other keys alone', async () => {
    const { tool, key, current } = shown();
    expect(current()).toBe('0-0');
    key('ArrowRight');
    key('ArrowDown');
    await frame();
    expect(current()).toBe('1-1');
    key('End');
    key('PageUp');
    await frame();
    expect(current()).toBe('0-3');
    key('Home');
    key('ArrowLeft');
    key('ArrowUp');
    key('PageDown');
    await frame();
    expect(current()).toBe('1-0');
    expect(key('x')).toBe(false);
    expect(key('ArrowRight', { ctrlKey: true })).toBe(false);
    expect(key('Escape')).toBe(false);
    tool.dispose();
  });

  it('edits by keys, clicks and modes', () => {
    const { tool, key, cell } = shown();
    key('d');
    key('M');
    key('Enter');
    key('ArrowDown');
    key('Delete');
    key('z', { ctrlKey: true });
    key('z', { ctrlKey: true, shiftKey: true });
    key('y', { metaKey: true });
    tool.press(
      [...tool.node.querySelectorAll<HTMLElement>('.moe-Segments input')].at(
        -1
      )!
    );
    tool.press(cell(0, 3));
    expect(tool.link.sent).toEqual([
      { do: 'edit', row: 0, expert: 0, kind: 'drop' },
      { do: 'edit', row: 0, expert: 0, kind: 'mask' },
      { do: 'edit', row: 0, expert: 0, kind: 'mask' },
      { do: 'edit', row: 1, expert: 0, kind: null },
      { do: 'undo' },
      { do: 'redo' },
      { do: 'redo' },
      { do: 'edit', row: 0, expert: 3, kind: 'force' }
    ]);
    tool.dispose();
  });

  it('waits for the substitute of a swap, until Escape', async () => {
    const { tool, key, cell } = shown();
    key('s');
    await frame();
    expect(cell(0, 0).dataset.mark).toBe('waiting');
    expect(tool.texts('[role=status]')[0]).toContain(
      'Choose the expert of layer 0 that runs in place of expert 0'
    );
    expect(key('Escape')).toBe(true);
    await frame();
    expect(cell(0, 0).dataset.mark).toBe('');
    expect(tool.link.sent).toEqual([]);
    tool.dispose();
  });

  it('sends the history and top-k, of all layers or of one', () => {
    const { tool } = shown();
    expect(tool.button('Redo').disabled).toBe(true);
    tool.press('Undo');
    tool.press('Clear');
    const scope = tool.labelled<HTMLSelectElement>(
      'Layers whose top-k changes'
    );
    const slider =
      tool.node.querySelector<HTMLInputElement>('input[type=range]')!;
    expect(slider.getAttribute('aria-valuetext')).toBe('mixed');
    type(slider, '1');
    type(scope, '1');
    expect([slider.value, slider.getAttribute('aria-valuetext')]).toEqual([
      '3',
      '3'
    ]);
    type(slider, '2');
    tool.press(tool.labelled('Reset'));
    expect(tool.link.sent).toEqual([
      { do: 'undo' },
      { do: 'clear' },
      { do: 'top-k', row: null, k: 1 },
      { do: 'top-k', row: 1, k: 2 },
      { do: 'top-k', row: 1, k: null }
    ]);
    type(scope, '0');
    expect(tool.labelled<HTMLButtonElement>('Reset').disabled).toBe(true);
    tool.dispose();
  });

  it('shows why a layer refused, under it, and what is refused as a whole', async () => {
    const { tool, grid } = shown();
    tool.tell({ refusal: { row: 0, text: 'All experts are masked.' } });
    await frame();
    const rows = [...grid.querySelectorAll('[role=row]')];
    expect(rows[2].textContent).toBe('All experts are masked.');
    tool.tell({ refusal: { row: null, text: 'No tokenizer.' } });
    await frame();
    expect(grid.querySelectorAll('[role=row]')).toHaveLength(3);
    expect(tool.texts('[role=alert]')).toEqual(['No tokenizer.']);
    tool.dispose();
  });

  it('can be read without a kernel, and not changed', () => {
    const { tool, grid, key } = shown(STATE, false);
    expect(grid.getAttribute('aria-disabled')).toBe('true');
    key('m');
    expect(tool.link.sent).toEqual([]);
    expect(tool.button('Undo').disabled).toBe(true);
    tool.dispose();
  });

  it('compares the rates of both runs on one scale', async () => {
    const { tool, cell } = shown();
    const run = (first: number) => ({
      tokens: [],
      status: 'done',
      rates: [
        [first, 0, 0, 0],
        [0, 0, 0, 0]
      ]
    });
    tool.tell({ original: run(0.5), edited: run(0.25) });
    const share = () => cell(0, 0).style.getPropertyValue('--moe-share');
    await frame();
    expect(share()).toBe('100%');
    type(
      tool.labelled<HTMLSelectElement>('Run whose token rates colour the grid'),
      'edited'
    );
    await frame();
    expect(share()).toBe('50%');
    tool.dispose();
  });
});
