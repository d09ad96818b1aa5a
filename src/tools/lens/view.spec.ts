import type { LensState } from 'moe-debugger/protocol';
import { act, type } from '../../testing/react';
import { ShownTool } from '../../testing/shown-tool';
import lens from '.';

const ranked = (id: number, probability: number | null = 0.5) => ({
  id,
  text: `t${id}`,
  logit: 1.25,
  probability
});

/** Two layers, two positions; a router only in the second layer. */
const STATE: LensState = {
  running: false,
  prompt: 'a b',
  done: 0,
  total: 0,
  refusal: null,
  lens: {
    model: 'demo',
    tokens: [
      { position: 0, id: 1, text: 'a' },
      { position: 1, id: 2, text: ' longer than sixteen letters' }
    ],
    positions: [0, 1],
    layers: [0, 1].map(layer => ({
      layer,
      top: [ranked(5)],
      readings: [0, 1].map(position => ({
        position,
        top: [ranked(10 * layer + position), ranked(7, null)],
        entropy: 0.5,
        klToFinal: layer === 1 ? null : 0.125,
        rankOfFinal: layer === 1 ? 1 : 12
      }))
    })),
    experts: [
      {
        layer: 1,
        experts: 4,
        topK: 1,
        score: 'softmax',
        positions: [0, 1].map(position => ({
          position,
          votes: [{ expert: 2 + position, weight: 0.75, top: [ranked(9)] }]
        }))
      }
    ],
    warnings: ['The experts of this model cannot be read.']
  }
};

const TABLE = 'Likeliest next tokens by layer';

describe('LensView', () => {
  it('shows the likeliest tokens of each layer at the last position', () => {
    const shown = new ShownTool(lens, STATE);
    expect(shown.table(TABLE)).toEqual([
      ['layer 0', 't1', 't7', '', '', '', '0.13', '12'],
      ['layer 1', 't11', 't7', '', '', '', '–', '1']
    ]);
    const [cell] = shown
      .labelled(TABLE)
      .querySelectorAll<HTMLElement>('tbody td');
    expect(cell.title).toBe('id 1, probability 0.500, logit 1.25');
    expect(cell.style.getPropertyValue('--moe-share')).toBe('35%');
    shown.dispose();
  });

  it('changes to the position and the layer that are chosen', () => {
    const shown = new ShownTool(lens, STATE);
    const tokens = shown
      .labelled('Position to read')
      .querySelectorAll<HTMLInputElement>('input');
    expect([...tokens].map(({ checked }) => checked)).toEqual([false, true]);
    shown.press(tokens[0]);
    expect(shown.table(TABLE)[0][1]).toBe('t0');
    expect(shown.texts('.moe-LensVotes li')).toEqual(['expert 20.750t9']);

    type(shown.labelled<HTMLInputElement>('Layer'), '0');
    expect(shown.labelled('Layer').getAttribute('aria-valuetext')).toBe(
      'layer 0'
    );
    expect(shown.texts('.moe-LensVotes li')).toEqual([]);
    expect(shown.texts('.moe-LensVotes .moe-Message')).toEqual([
      'The experts of this model cannot be read.'
    ]);
    const rows = shown.labelled(TABLE).querySelectorAll('tbody tr');
    expect(rows[0].getAttribute('aria-current')).toBe('true');
    act(() => {
      rows[1].dispatchEvent(new MouseEvent('click', { bubbles: true }));
    });
    expect(shown.texts('.moe-LensVotes h4')).toEqual([
      'Top tokens of the selected experts of layer 1'
    ]);
    shown.dispose();
  });

  it('shortens long tokens, and says that a layer has no router', () => {
    const shown = new ShownTool(lens, {
      ...STATE,
      lens: { ...STATE.lens!, experts: [], warnings: [] }
    });
    expect(shown.node.textContent).toContain('This layer has no router');
    const [, last] = shown.texts('.moe-LensTokens label');
    expect(last.endsWith('…')).toBe(true);
    expect(last.length).toBeLessThanOrEqual(17);
    shown.dispose();
  });
});
