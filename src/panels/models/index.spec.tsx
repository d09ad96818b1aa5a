import { testContext } from '../../testing/context';
import { hello, modelSummary, state } from '../../testing/fake-kernel';
import { followedNotebook } from '../../testing/fake-notebook';
import { act } from '../../testing/react';
import { ModelsPanel } from '.';

describe('ModelsPanel', () => {
  it('lists the models of the kernel with what they are doing', () => {
    const { notebook, model } = followedNotebook();
    let panel!: ModelsPanel;
    act(() => {
      panel = new ModelsPanel({ model, context: testContext() });
    });
    expect(panel.title.label).toBe('Models');
    expect(panel.node.textContent).toBe('No model is loaded in this kernel.');
    act(() => {
      notebook.kernel.comm.receive(hello());
      notebook.kernel.comm.receive(
        state(
          [
            modelSummary('a', { status: 'running' }),
            modelSummary('b', { layers: ['layer 0'], status: 'disposed' })
          ],
          []
        )
      );
    });
    const items = [...panel.node.querySelectorAll('li')];
    expect(
      items.map(item => [
        item.title,
        ...[...item.children].map(({ textContent }) => textContent)
      ])
    ).toEqual([
      ['/models/a', 'model a', 'running', '2 MoE layers, 4 experts, top 2'],
      ['/models/b', 'model b', 'disposed', '1 MoE layer, 4 experts, top 2']
    ]);
    act(() => panel.dispose());
  });
});
