import type { Contents } from '@jupyterlab/services';
import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { Widget, type AccordionPanel } from '@lumino/widgets';
import { CommandIDs } from '../command-ids';
import { testContext } from '../testing/context';
import { hello, state, traceSummary } from '../testing/fake-kernel';
import { FakeNotebook, FakeTracker } from '../testing/fake-notebook';
import { act } from '../testing/react';
import { MoEDebuggerPanel } from '.';

jest.mock('@jupyterlab/notebook', () => ({ NotebookActions: {} }));

function created() {
  const tracker = new FakeTracker();
  const notebook = new FakeNotebook('a.ipynb');
  tracker.currentWidget = notebook;
  const commands = new CommandRegistry();
  const panel = new MoEDebuggerPanel({
    tracker: tracker.asTracker,
    context: testContext(),
    commands,
    contents: {
      localPath: (path: string) => path,
      get: () => Promise.resolve({ content: [] })
    } as unknown as Contents.IManager,
    translator: nullTranslator
  });
  return {
    panel,
    notebook,
    commands,
    accordion: panel.content as AccordionPanel
  };
}

/** Shown, with its sections, which are loaded at first. */
async function shown() {
  const all = created();
  await act(async () => {
    Widget.attach(all.panel, document.body);
    await all.panel.loaded;
  });
  return all;
}

const open = (accordion: AccordionPanel) =>
  accordion.widgets
    .filter(({ isHidden }) => !isHidden)
    .map(({ title }) => title.label);

describe('MoEDebuggerPanel', () => {
  it('loads nothing and asks no kernel until it is shown', () => {
    const { panel, notebook, accordion } = created();
    expect(panel.node.getAttribute('aria-label')).toBe('MoE Debugger');
    expect(accordion.widgets).toEqual([]);
    expect(notebook.kernel.comms).toEqual([]);
    panel.dispose();
  });

  it('shows the trace, and lists traces and models', async () => {
    const { panel, notebook, accordion } = await shown();
    expect(open(accordion)).toEqual(['Routing', 'Traces', 'Models']);
    expect(notebook.kernel.comms).toHaveLength(1);
    act(() => panel.dispose());
  });

  it('says the verdict, and opens the views of the workbench', async () => {
    const { panel, notebook, commands } = await shown();
    const opened: unknown[] = [];
    commands.addCommand(CommandIDs.openWorkbench, {
      describedBy: { args: {} },
      execute: args => {
        opened.push(args);
      }
    });
    const { comm } = notebook.kernel;
    const { node } = panel.header;
    await act(async () => comm.receive(hello({ tools: ['tokens'] })));
    expect(node.querySelectorAll('.moe-NavigatorHead button')).toHaveLength(0);
    await act(async () => comm.receive(state([], [traceSummary('t')])));
    const button = (name: string) =>
      [...node.querySelectorAll('button')].find(
        own => own.textContent === name
      )!;
    await act(async () => button('Network').click());
    expect(opened).toEqual([{ view: 'network' }]);
    act(() => panel.dispose());
  });

  it('tells the kernel when it is hidden, shown and closed', async () => {
    const { panel, notebook } = await shown();
    const { comm } = notebook.kernel;
    act(() => comm.receive(hello()));
    act(() => panel.hide());
    expect(comm.sent.at(-1)).toEqual({ type: 'unsubscribe' });
    act(() => panel.show());
    expect(comm.sent.at(-1)).toEqual({ type: 'subscribe' });
    act(() => Widget.detach(panel));
    expect(comm.sent.at(-1)).toEqual({ type: 'unsubscribe' });
    act(() => panel.dispose());
    panel.dispose();
    expect(comm.isDisposed).toBe(true);
  });

  it('adds nothing to a panel that was closed while its sections were loading', async () => {
    const { panel, notebook, accordion } = created();
    await act(async () => {
      Widget.attach(panel, document.body);
      const { loaded } = panel;
      panel.dispose();
      await loaded;
    });
    expect(accordion.isDisposed).toBe(true);
    expect(notebook.kernel.comms).toEqual([]);
  });
});
