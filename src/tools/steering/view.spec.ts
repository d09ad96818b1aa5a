import type { SteeringState } from 'moe-debugger/protocol';
import { type } from '../../testing/react';
import { ShownTool } from '../../testing/shown-tool';
import steering from '.';

const STATE: SteeringState = {
  running: false,
  prompt: 'a',
  maxNewTokens: 4,
  original: null,
  edited: null,
  refusal: null,
  rows: [
    { layer: 0, norm: 2.5, scale: 0 },
    { layer: 1, norm: 1.5, scale: -1.5 }
  ],
  contrast: { positive: 'x', negative: 'y' }
};

const outputs = (shown: ShownTool) => shown.texts('.moe-Scales output');

describe('SteeringView', () => {
  it('shows the scale of each layer, and sends what the user moves', () => {
    const shown = new ShownTool(steering, STATE);
    expect(outputs(shown)).toEqual(['mixed', '0', '−1.5']);
    type(shown.labelled<HTMLInputElement>('Scale, layer 0'), '2');
    type(shown.labelled<HTMLInputElement>('Scale, all layers'), '-0.5');
    shown.press('Clear');
    expect(shown.link.sent).toEqual([
      { do: 'scale', row: 0, scale: 2 },
      { do: 'scale', row: null, scale: -0.5 },
      { do: 'scale', row: null, scale: 0 }
    ]);
    shown.tell({ rows: STATE.rows.map(row => ({ ...row, scale: 2 })) });
    expect(outputs(shown)).toEqual(['+2', '+2', '+2']);
    expect(shown.texts('h4')[1]).toContain('Steered · 2 layers');
    shown.tell({ rows: STATE.rows.map(row => ({ ...row, scale: 0 })) });
    expect(shown.button('Clear').disabled).toBe(true);
    expect(shown.texts('.moe-SideBySide-side .moe-Message')[1]).toContain(
      'Move a slider'
    );
    shown.dispose();
  });

  it('says beside the layer why its scale was refused', () => {
    const shown = new ShownTool(steering, STATE);
    shown.tell({ refusal: { row: 1, text: 'Too far.' } });
    const [, , second] = shown.node.querySelectorAll('.moe-Scales li');
    expect(second.querySelector('[role=alert]')!.textContent).toBe('Too far.');
    shown.tell({ refusal: { row: null, text: 'No vectors.' } });
    expect(shown.texts('[role=alert]')).toEqual(['No vectors.']);
    shown.dispose();
  });

  it('computes vectors from contrast prompts', () => {
    const shown = new ShownTool(steering, {
      ...STATE,
      rows: [],
      contrast: null
    });
    expect(shown.node.querySelector('details')!.open).toBe(true);
    expect(shown.node.querySelector('.moe-Scales')).toBeNull();
    expect(shown.button('Compute vectors').disabled).toBe(true);
    const [, towards, from] = shown.node.querySelectorAll('textarea');
    type(towards, 'glad');
    expect(shown.button('Compute vectors').disabled).toBe(true);
    type(from, 'sad');
    shown.press('Compute vectors');
    expect(shown.link.sent).toEqual([
      { do: 'contrast', positive: 'glad', negative: 'sad' }
    ]);
    shown.dispose();
  });

  it('generates, and marks where the steered text differs', () => {
    const shown = new ShownTool(steering, STATE);
    type(
      shown.node.querySelector<HTMLInputElement>('input[type=number]')!,
      '7'
    );
    shown.press('Generate');
    expect(shown.link.sent).toEqual([
      { do: 'generate', prompt: 'a', maxNewTokens: 7 }
    ]);
    const tokens = (...ids: number[]) =>
      ids.map(id => ({ id, text: id === 3 ? '\n' : `<${id}>` }));
    shown.tell({ original: { tokens: tokens(1, 2), status: 'running' } });
    expect(shown.texts('h4')[0]).toBe('Originalwriting… 2 tokens');
    expect(shown.texts('.moe-SideBySide-side .moe-Message')).toEqual([
      'Waiting for the original text.'
    ]);
    shown.tell({
      original: { tokens: tokens(1, 2), status: 'done' },
      edited: { tokens: tokens(1, 3, 4), status: 'done' }
    });
    expect(shown.texts('mark')).toEqual(['\n', '<4>']);
    expect(shown.node.querySelector('mark')!.dataset.sign).toBe('↵');
    expect(shown.texts('.moe-SideBySide-summary')).toEqual([
      '2 of 3 tokens differ, from token 2 on: “↵” instead of “<2>”.'
    ]);
    shown.tell({ edited: { tokens: tokens(1, 2), status: 'done' } });
    expect(shown.texts('.moe-SideBySide-summary')).toEqual([
      'The edits change none of the 2 tokens.'
    ]);
    shown.tell({ edited: { tokens: tokens(1), status: 'done' } });
    expect(shown.texts('.moe-SideBySide-summary')).toEqual([
      'The edited text ends after 1 tokens.'
    ]);
    shown.tell({ edited: { tokens: tokens(1), status: 'failed' } });
    expect(shown.texts('h4')[1]).toContain('failed after 1 token');
    shown.tell({ edited: { tokens: tokens(1), status: 'cancelled' } });
    expect(shown.texts('h4')[1]).toContain('cancelled after 1 token');
    shown.dispose();
  });
});
