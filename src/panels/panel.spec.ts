import type { Contents } from '@jupyterlab/services';
import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { Widget, type AccordionPanel } from '@lumino/widgets';
import { TOOL_NAMES } from 'moe-debugger/protocol';
import { testContext } from '../testing/context';
import { hello } from '../testing/fake-kernel';
import { FakeNotebook, FakeTracker } from '../testing/fake-notebook';
import { act } from '../testing/react';
import { MoEDebuggerPanel } from '.';

jest.mock('@jupyterlab/notebook', () => ({ NotebookActions: {} }));

function created() {
  const tracker = new FakeTracker();
  const notebook = new FakeNotebook('a.ipynb');
  tracker.currentWidget = notebook;
  const panel = new MoEDebuggerPanel({
    tracker: tracker.asTracker,
    context: testContext(),
    commands: new CommandRegistry(),
    contents: {
      localPath: (path: string) => path,
      get: () => Promise.resolve({ content: [] })
    } as unknown as Contents.IManager,
    translator: nullTranslator
  });
  return { panel, notebook, accordion: panel.content as AccordionPanel };
}

/** Shown, with its sections, which are loaded at first. */
async function shown() {
  const all = created();
  await act(async () => {
    Widget.attach(all.panel, document.body);
    await all.panel.openSection('none');
  });
  return all;
}

const labels = (accordion: AccordionPanel) =>
  accordion.widgets.map(({ title }) => title.label);

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

  it('has a section for the trace, its findings and measures, and each tool', async () => {
    const { panel, notebook, accordion } = await shown();
    expect(accordion.widgets).toHaveLength(5 + TOOL_NAMES.length);
    expect(labels(accordion)).toEqual(
      expect.arrayContaining([
        'Routing',
        'Findings',
        'Measures',
        'Expert selector',
        'Traces',
        'Models'
      ])
    );
    expect(open(accordion)).toEqual(['Routing', 'Traces', 'Models']);
    expect(notebook.kernel.comms).toHaveLength(1);
    await act(async () => panel.openSection('lens'));
    expect(open(accordion)).toEqual([
      'Routing',
      'Layer lens',
      'Traces',
      'Models'
    ]);
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
      const opened = panel.openSection('lens');
      panel.dispose();
      await opened;
    });
    expect(accordion.isDisposed).toBe(true);
    expect(notebook.kernel.comms).toEqual([]);
  });
});
