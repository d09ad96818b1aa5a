import { Widget } from '@lumino/widgets';
import { NotebookKernels } from '../kernel';
import { Preferences } from '../preferences';
import { testContext } from '../testing/context';
import { hello, state, traceSummary } from '../testing/fake-kernel';
import { FakeNotebook, FakeTracker } from '../testing/fake-notebook';
import { act } from '../testing/react';
import { Workbench } from '.';

jest.mock('@jupyterlab/notebook', () => ({ NotebookActions: {} }));

async function shown() {
  const tracker = new FakeTracker();
  const first = new FakeNotebook('a.ipynb');
  const second = new FakeNotebook('b.ipynb');
  tracker.currentWidget = first;
  const kernels = new NotebookKernels({ preferences: new Preferences() });
  const workbench = await act(async () => {
    const own = new Workbench({
      tracker: tracker.asTracker,
      context: testContext(),
      kernels,
      notice: () => new Widget()
    });
    Widget.attach(own, document.body);
    return own;
  });
  const open = (id: string) => act(async () => workbench.open(id));
  const views = () =>
    [...workbench.node.querySelectorAll<HTMLElement>('[role=tabpanel]')]
      .filter(own => !own.classList.contains('lm-mod-hidden'))
      .map(own => own.getAttribute('aria-label'));
  return { tracker, first, second, kernels, workbench, open, views };
}

describe('Workbench', () => {
  it('makes a view when its tab is first opened, and keeps it', async () => {
    const { workbench, open, views } = await shown();
    expect(views()).toEqual(['Overview']);
    const seen: string[] = [];
    workbench.viewChanged.connect((_, view) => seen.push(view));
    await open('network');
    expect(views()).toEqual(['Network']);
    await open('overview');
    expect(views()).toEqual(['Overview']);
    expect(workbench.node.querySelectorAll('[role=tabpanel]')).toHaveLength(2);
    await open('nothing of that name');
    expect(seen).toEqual(['network', 'overview']);
    act(() => workbench.dispose());
  });

  it('opens the tab of a tool', async () => {
    const { workbench, open, views } = await shown();
    await open('sweep');
    expect(views()).toEqual(['Experiments']);
    const chosen = workbench.node.querySelectorAll(
      '.moe-ExperimentsView [role=tab][aria-selected=true]'
    );
    expect([...chosen].map(own => own.textContent)).toEqual(['Sweep']);
    act(() => workbench.dispose());
  });

  it('follows the active notebook, or stays at a pinned one', async () => {
    const { tracker, first, second, workbench } = await shown();
    expect(workbench.model.notebook).toBe(first);
    await act(async () => tracker.show(second));
    expect(workbench.model.notebook).toBe(second);
    await act(async () => {
      workbench.model.pinned = first as never;
    });
    await act(async () => tracker.show(null));
    expect(workbench.model.notebook).toBe(first);
    await act(async () => {
      workbench.model.pinned = null;
    });
    expect(workbench.model.notebook).toBeNull();
    act(() => workbench.dispose());
  });

  it('keeps what was read when the kernel is shut down, and not for a kernel of another kind', async () => {
    const { first, workbench } = await shown();
    const { context, kernel, signals } = first.session;
    await act(async () => kernel.comm.receive(hello({ tools: ['tokens'] })));
    const address = () =>
      workbench.node.querySelectorAll('.moe-Address').length;
    expect(address()).toBe(1);
    await act(async () => {
      context.session.kernel = null;
      signals.kernelChanged.emit();
    });
    expect(address()).toBe(1);
    await act(async () => {
      context.session.kernel = Object.assign(kernel, {
        name: 'python3'
      }) as never;
      signals.kernelChanged.emit();
    });
    expect(address()).toBe(0);
    act(() => workbench.dispose());
  });

  it('shares one connection with others, and follows while any is visible', async () => {
    const { first, kernels, workbench } = await shown();
    const { comm } = first.kernel;
    await act(async () => comm.receive(hello({ tools: ['tokens'] })));
    const other = {};
    kernels.watch(first as never, other, true);
    await act(async () => workbench.hide());
    expect(comm.sent.at(-1)).not.toEqual({ type: 'unsubscribe' });
    kernels.watch(first as never, other, false);
    expect(comm.sent.at(-1)).toEqual({ type: 'unsubscribe' });
    await act(async () => workbench.show());
    expect(comm.sent.at(-1)).toEqual({ type: 'subscribe' });
    expect(first.kernel.comms).toHaveLength(1);
    act(() => workbench.dispose());
    expect(comm.isDisposed).toBe(false);
    kernels.dispose();
    expect(comm.isDisposed).toBe(true);
  });

  it('fetches the arrays of a trace for the heatmap only', async () => {
    const { first, workbench, open } = await shown();
    const { comm } = first.kernel;
    await act(async () => comm.receive(hello({ tools: ['tokens'] })));
    await act(async () => comm.receive(state([], [traceSummary('t')])));
    await open('network');
    expect(comm.of('get-trace')).toEqual([]);
    const heatmap = [
      ...workbench.node.querySelectorAll<HTMLElement>('[role=tab]')
    ].find(own => own.textContent === 'Heatmap')!;
    await act(async () => heatmap.click());
    expect(comm.of('get-trace')).toMatchObject([{ id: 't' }]);
    await open('overview');
    expect(workbench.model.drawsPicture).toBe(false);
    act(() => workbench.dispose());
  });

  it('goes back and forward by Alt and the arrows', async () => {
    const { first, workbench } = await shown();
    const { comm } = first.kernel;
    await act(async () => comm.receive(hello({ tools: ['tokens'] })));
    await act(async () => comm.receive(state([], [traceSummary('t')])));
    const { selection } = workbench.model.kernel!;
    act(() => selection.set({ layerIndex: 1 }));
    const press = (key: string) =>
      act(() => {
        workbench.node.dispatchEvent(
          new KeyboardEvent('keydown', { key, altKey: true })
        );
      });
    press('ArrowLeft');
    expect(selection.current.layerIndex).toBe(0);
    press('ArrowRight');
    expect(selection.current.layerIndex).toBe(1);
    act(() => workbench.dispose());
  });
});
