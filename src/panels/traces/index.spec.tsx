import { Signal } from '@lumino/signaling';
import type { TraceSummary } from 'moe-debugger/protocol';
import { act } from '../../testing/react';
import { testContext } from '../../testing/context';
import type { PanelModel } from '../model';
import { TracesPanel } from '.';

const trace = (id: string, more: Partial<TraceSummary> = {}): TraceSummary => ({
  id,
  modelId: 'm',
  model: 'demo',
  label: `text ${id}`,
  samples: 2,
  created: 0,
  coverage: { moeLayers: 6, layersCaptured: 5, tokens: 9, slots: 90 },
  ...more
});

describe('TracesPanel', () => {
  it('lists the traces of the kernel, and shows the one that is clicked', () => {
    const selected: string[] = [];
    const follower = {
      traces: [] as TraceSummary[],
      selected: 'b',
      select: (id: string) => selected.push(id)
    };
    const changed = new Signal<object, void>({});
    let panel!: TracesPanel;
    act(() => {
      panel = new TracesPanel({
        model: { changed, follower } as unknown as PanelModel,
        context: testContext()
      });
    });
    expect(panel.title.label).toBe('Traces');
    expect(panel.node.textContent).toBe(
      'The traces of this kernel will be listed here.'
    );

    follower.traces = [trace('b', { edits: 1 }), trace('a')];
    act(() => changed.emit());
    const buttons = [...panel.node.querySelectorAll('button')];
    expect(
      buttons.map(button => [
        button.querySelector('.moe-List-name')!.textContent,
        button.querySelector('.moe-List-detail')!.textContent,
        button.getAttribute('aria-current')
      ])
    ).toEqual([
      [
        'text b',
        '1 edit · demo · 2 samples · 9 tokens · 5 of 6 layers',
        'true'
      ],
      ['text a', 'demo · 2 samples · 9 tokens · 5 of 6 layers', 'false']
    ]);
    buttons[1].click();
    expect(selected).toEqual(['a']);
    act(() => panel.dispose());
  });
});
