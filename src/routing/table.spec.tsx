import { ReactDrawing } from '../drawing';
import { testContext } from '../testing/context';
import { layer, sample, view } from '../testing/documents';
import { act } from '../testing/react';
import { RoutingModel } from './model';
import { RoutingTable } from './table';

function shown(model: RoutingModel) {
  let drawing!: ReactDrawing;
  act(() => {
    drawing = new ReactDrawing(
      <RoutingTable model={model} pane={0} trans={testContext().trans} />
    );
  });
  const { node } = drawing;
  const cells = (selector: string) =>
    [...node.querySelectorAll(selector)].map(row =>
      [...row.children].map(({ textContent }) => textContent)
    );
  return {
    node,
    head: () => cells('thead tr')[0],
    rows: () => cells('tbody tr')
  };
}

describe('RoutingTable', () => {
  it('lists the selected experts by rank, once the display is a table', () => {
    const model = new RoutingModel({ view: view() });
    const { node, head, rows } = shown(model);
    expect(node.textContent).toBe('');
    act(() => {
      model.display = 'table';
    });
    expect(head()).toEqual([
      'position',
      'token',
      'expert, rank 1',
      'weight, rank 1',
      'expert, rank 2',
      'weight, rank 2'
    ]);
    // Weights 0.25 and 0.75 of the first token; the last slot is dropped.
    expect(rows()).toEqual([
      ['0', 'def', '3', '0.7500', '0', '0.2500'],
      ['1', '·f', '3', '0.5000', '2', '0.5000'],
      ['2', '↵', '1', '1.0000', '–', '–']
    ]);
  });

  it('lists the probabilities of all experts, and marks the selected ones', () => {
    const model = new RoutingModel({ view: view() });
    model.display = 'table';
    model.measure = 'probability';
    const { node, head, rows } = shown(model);
    expect(head().slice(2)).toEqual([
      'expert 0',
      'expert 1',
      'expert 2',
      'expert 3'
    ]);
    // All logits of the first token are equal.
    expect(rows()[0].slice(2)).toEqual(Array(4).fill('0.2500'));
    const [first] = node.querySelectorAll('tbody tr');
    expect(
      [...first.querySelectorAll('td')]
        .slice(1)
        .map(cell => cell.classList.contains('moe-mod-selected'))
    ).toEqual([true, false, false, true]);
  });

  it('has dashes for weights that were not recorded', () => {
    const own = layer(0, { weights: new Float32Array(0) });
    const model = new RoutingModel({ view: view([sample('a', [own])]) });
    model.display = 'table';
    expect(shown(model).rows()[0].slice(2)).toEqual(['0', '–', '3', '–']);
  });

  it('shows a long prompt in pages', () => {
    const tokens = 250;
    const long = {
      ...sample('a', [
        layer(0, {
          logits: new Float32Array(0),
          selected: new Int32Array(2 * tokens),
          weights: new Float32Array(2 * tokens)
        })
      ]),
      tokens: Array.from({ length: tokens }, (_, position) => ({
        position,
        id: position
      }))
    };
    const model = new RoutingModel({ view: view([long]) });
    model.display = 'table';
    const { node, rows } = shown(model);
    const [previous, next] = node.querySelectorAll('button');
    const range = () => node.querySelector('span')!.textContent;
    expect([rows().length, range(), previous.disabled]).toEqual([
      100,
      'tokens 0–99 of 250',
      true
    ]);
    act(() => next.click());
    act(() => next.click());
    expect([rows().length, range(), next.disabled]).toEqual([
      50,
      'tokens 200–249 of 250',
      true
    ]);
    act(() => previous.click());
    expect(rows()[0][0]).toBe('100');
  });
});
