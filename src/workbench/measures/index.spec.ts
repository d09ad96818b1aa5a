import { Panel, Widget } from '@lumino/widgets';
import type { TraceFigure } from 'moe-debugger/protocol';
import { testContext } from '../../testing/context';
import {
  hello,
  modelSummary,
  state,
  traceSummary
} from '../../testing/fake-kernel';
import { followedNotebook } from '../../testing/fake-notebook';
import { act, type } from '../../testing/react';
import { MeasuresPanel } from '.';

const figure = (layers: string[]): TraceFigure => ({
  name: 'loads',
  layers,
  layerIndex: 0,
  drawing: {
    kind: 'intervals',
    title: 't',
    subtitle: 'of 3 tokens',
    uniform: 0.5,
    rows: [{ expert: 0, selections: 3, tokenRate: 0.5, low: 0.1, high: 0.9 }]
  },
  text: 'in words'
});

async function shown(tools = ['figures']) {
  const { notebook, model } = followedNotebook();
  const panel = new MeasuresPanel({ model, context: testContext() });
  const parent = new Panel();
  parent.addWidget(panel);
  await act(async () => Widget.attach(parent, document.body));
  const { comm } = notebook.kernel;
  const tell = (data: object) => act(async () => comm.receive(data));
  await tell(hello({ tools }));
  const { node } = panel;
  return {
    comm,
    tell,
    node,
    select: (label: string) =>
      node.querySelector<HTMLSelectElement>(`[aria-label="${label}"]`)!,
    view: () => node.querySelector<HTMLElement>('.moe-FigureView')!,
    answer: (layers: string[]) =>
      tell({
        type: 'figure',
        request: comm.of('draw').at(-1)!.request,
        state: figure(layers)
      })
  };
}

describe('MeasuresPanel', () => {
  it('says what it needs: a trace, and a kernel that draws', async () => {
    const { node, view } = await shown();
    expect(node.textContent).toContain('Trace some texts in a cell');
    expect(view().hidden).toBe(true);
    const old = await shown([]);
    await old.tell(state([modelSummary('m')], [traceSummary('t')]));
    expect(old.node.textContent).toContain('The kernel is older');
    expect(old.comm.of('draw')).toEqual([]);
  });

  it('asks for the selected trace, and for what the user chooses', async () => {
    const { comm, tell, select, view, answer } = await shown();
    await tell(state([modelSummary('m')], [traceSummary('t')]));
    expect(comm.of('draw')).toMatchObject([
      { id: 't', name: 'loads', layerIndex: 0 }
    ]);
    expect(select('Layer of the measure').disabled).toBe(true);
    await answer(['layer 0', 'layer 2']);
    expect(view().hidden).toBe(false);
    expect(view().textContent).toContain('of 3 tokens');
    expect(view().querySelector('[role=img]')!.getAttribute('aria-label')).toBe(
      'in words'
    );
    await act(async () => type(select('Measure'), 'coactivation'));
    await act(async () => type(select('Layer of the measure'), '1'));
    expect(comm.of('draw').slice(1)).toMatchObject([
      { id: 't', name: 'coactivation', layerIndex: 0 },
      { id: 't', name: 'coactivation', layerIndex: 1 }
    ]);
  });

  it('asks anew when the trace grows, and stays within the layers of the next one', async () => {
    const { comm, tell, select, answer } = await shown();
    await tell(state([], [traceSummary('t')]));
    await answer(['layer 0', 'layer 2']);
    await act(async () => type(select('Layer of the measure'), '1'));
    await tell(state([], [traceSummary('t', { samples: 2 })]));
    expect(comm.of('draw').at(-1)).toMatchObject({ id: 't', layerIndex: 1 });
    const { length } = comm.of('draw');
    await tell(state([], [traceSummary('t', { samples: 2 })]));
    expect(comm.of('draw')).toHaveLength(length);
    await answer(['layer 0']);
    expect(select('Layer of the measure').value).toBe('0');
  });

  it('shows the error in the place of the picture', async () => {
    const { comm, tell, node, view } = await shown();
    await tell(state([], [traceSummary('t')]));
    await tell({
      type: 'figure-error',
      request: comm.of('draw')[0].request,
      message: 'One domain only.'
    });
    expect(node.querySelector('[role=alert]')!.textContent).toBe(
      'One domain only.'
    );
    expect(view().hidden).toBe(true);
  });
});
