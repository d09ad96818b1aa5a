import type { SweepState } from 'moe-debugger/protocol';
import { act, type } from '../../testing/react';
import { ShownTool } from '../../testing/shown-tool';
import sweep from '.';

const row = (layer: number, expert: number, klMean: number | null) => ({
  layer,
  expert,
  mode: 'mask' as const,
  prompts: 1,
  promptsReached: 1,
  tokensAffected: 3,
  tokensReached: 4,
  klMean,
  klLast: null,
  deltaLogProb: -0.5,
  deltaRank: 2,
  tokens: [] as object[]
});

const STATE: SweepState = {
  running: false,
  prompts: 'a\nb',
  mode: 'mask',
  refusal: null,
  sweep: {
    schema: 'moe-debugger/sweep@1',
    model: 'demo',
    mode: 'mask',
    prompts: 2,
    tokens: 9,
    done: 3,
    total: 8,
    routers: [
      { layer: 0, experts: 2 },
      { layer: 3, experts: 2 }
    ],
    rows: [
      row(0, 0, 0.25),
      row(0, 1, null),
      {
        ...row(3, 1, 0.5),
        tokens: [
          {
            prompt: '0',
            position: 1,
            id: 7,
            text: ' b',
            kl: 0.75,
            before: 'a'
          }
        ]
      }
    ] as never,
    notes: ['stopped']
  }
};

const cell = (shown: ShownTool, at: number, expert: number) =>
  shown.node.querySelector<HTMLElement>(
    `[data-row="${at}"][data-expert="${expert}"]`
  )!;

const label = (shown: ShownTool, at: number, expert: number) =>
  cell(shown, at, expert).getAttribute('aria-label');

/** The grid is drawn once a frame. */
const frame = () =>
  act(() => new Promise(resolve => requestAnimationFrame(resolve)));

describe('SweepView', () => {
  it('colours the experts by their effect, and opens the strongest', () => {
    const shown = new ShownTool(sweep, STATE);
    expect(label(shown, 1, 1)).toBe('layer 3, expert 1, 0.5000');
    expect(label(shown, 0, 1)).toBe('layer 0, expert 1, no finite value');
    expect(label(shown, 1, 0)).toBe('layer 3, expert 0, not measured');
    expect(cell(shown, 1, 1).style.getPropertyValue('--moe-share')).toBe(
      '100%'
    );
    expect(cell(shown, 0, 0).style.getPropertyValue('--moe-share')).toBe('50%');
    expect(shown.texts('.moe-SweepExpert h4')).toEqual(['layer 3, expert 1']);
    expect(shown.table('Tokens whose prediction changed most')).toEqual([
      ['0.7500', 'a·b', '0']
    ]);
    expect(shown.texts('.moe-RoutingView-coverage')).toEqual([
      '3 of 8 pairs of prompt and expert · 2 prompts · 9 tokens · by mask · stopped'
    ]);
    shown.dispose();
  });

  it('shows the expert that is clicked', async () => {
    const shown = new ShownTool(sweep, STATE);
    shown.press(cell(shown, 1, 0));
    expect(shown.node.textContent).toContain('This expert was not measured.');
    shown.press(cell(shown, 0, 0));
    expect(shown.texts('.moe-SweepExpert h4')).toEqual(['layer 0, expert 0']);
    expect(shown.node.textContent).toContain('No token selects this expert');
    await frame();
    expect(cell(shown, 0, 0).classList.contains('moe-mod-current')).toBe(true);
    shown.dispose();
  });

  it('colours by another effect, with a second hue below zero', async () => {
    const shown = new ShownTool(sweep, STATE);
    const select = shown.labelled<HTMLSelectElement>('What the colours show');
    type(select, 'deltaLogProb');
    await frame();
    expect(label(shown, 0, 0)).toBe('layer 0, expert 0, -0.5000');
    expect(cell(shown, 0, 0).classList.contains('moe-mod-negative')).toBe(true);
    shown.dispose();
  });

  it('sweeps by the chosen ablation, on Ctrl+Enter', () => {
    const shown = new ShownTool(sweep, { ...STATE, sweep: null });
    expect(shown.node.textContent).toContain('Type prompts and press Sweep');
    type(
      shown.labelled<HTMLSelectElement>('How each expert is ablated'),
      'drop'
    );
    const box = shown.node.querySelector('textarea')!;
    type(box, 'c\nd');
    const enter = (ctrlKey: boolean) =>
      act(() => {
        box.dispatchEvent(
          new KeyboardEvent('keydown', {
            key: 'Enter',
            ctrlKey,
            bubbles: true,
            cancelable: true
          })
        );
      });
    enter(false);
    expect(shown.link.sent).toEqual([]);
    enter(true);
    expect(shown.link.sent).toEqual([
      { do: 'sweep', prompts: 'c\nd', mode: 'drop' }
    ]);
    shown.tell({ running: true });
    expect(shown.node.textContent).toContain('Measuring…');
    shown.dispose();
  });
});
