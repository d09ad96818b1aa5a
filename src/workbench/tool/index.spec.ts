import { Panel, Widget } from '@lumino/widgets';
import type { LensState } from 'moe-debugger/protocol';
import { testContext } from '../../testing/context';
import { hello, modelSummary, state } from '../../testing/fake-kernel';
import { followedNotebook } from '../../testing/fake-notebook';
import { act } from '../../testing/react';
import { ToolPanel } from '.';

const LENS: LensState = {
  running: false,
  prompt: 'a b',
  lens: null,
  done: 0,
  total: 0,
  refusal: null
};

/** An open section, after its code is loaded. */
async function shown(tools = ['lens']) {
  const { notebook, model } = followedNotebook();
  const panel = new ToolPanel({ name: 'lens', model, context: testContext() });
  const parent = new Panel();
  parent.addWidget(panel);
  panel.hide();
  Widget.attach(parent, document.body);
  const { comm } = notebook.kernel;
  comm.receive(hello({ tools }));
  const open = async () => act(async () => panel.show());
  const node = panel.node;
  return {
    notebook,
    panel,
    comm,
    node,
    open,
    message: () =>
      node.querySelector<HTMLElement>(':scope > .moe-Message')!.textContent,
    frame: () => node.querySelector<HTMLElement>('.moe-ToolFrame')
  };
}

describe('ToolPanel', () => {
  it('sends nothing until it is opened, and then works on the newest model', async () => {
    const { comm, open, frame, panel } = await shown();
    expect(panel.title.label).toBe('Layer lens');
    comm.receive(state([modelSummary('a')], []));
    expect(comm.of('open-tool')).toEqual([]);
    await open();
    const [{ tool }] = comm.of('open-tool');
    expect(comm.of('open-tool')).toMatchObject([
      { name: 'lens', modelId: 'a' }
    ]);
    expect(frame()).toBeNull();
    await act(async () => comm.receive({ type: 'tool', tool, patch: LENS }));
    expect(frame()!.dataset.moeLive).toBe('true');
    expect(frame()!.querySelector('textarea')!.value).toBe('a b');
    act(() => frame()!.querySelector('form')!.requestSubmit());
    expect(comm.of('act')).toEqual([
      { type: 'act', tool, action: { do: 'read', prompt: 'a b' } }
    ]);
  });

  it('lists the models where there are several, and changes to the chosen one', async () => {
    const { comm, open, node } = await shown();
    await open();
    const list = node.querySelector<HTMLElement>('.moe-ToolPanel-models')!;
    await act(async () => comm.receive(state([modelSummary('a')], [])));
    expect(list.classList.contains('lm-mod-hidden')).toBe(true);
    await act(async () =>
      comm.receive(state([modelSummary('a'), modelSummary('b')], []))
    );
    expect(list.classList.contains('lm-mod-hidden')).toBe(false);
    const select = list.querySelector('select')!;
    expect([...select.options].map(({ value, text }) => [value, text])).toEqual(
      [
        ['a', 'model a'],
        ['b', 'model b']
      ]
    );
    expect(select.value).toBe('a');
    select.value = 'b';
    await act(async () => select.dispatchEvent(new Event('change')));
    expect(comm.of('open-tool').map(({ modelId }) => modelId)).toEqual([
      'a',
      'b'
    ]);
    expect(comm.of('close-tool')).toHaveLength(1);
  });

  it('says what is missing: a model, the tool in an older kernel, the answer', async () => {
    const { comm, notebook, open, message } = await shown();
    await open();
    expect(message()).toContain('Load a model in a cell');
    await act(async () => comm.receive(state([modelSummary('a')], [])));
    expect(message()).toBe('Asking the kernel…');
    notebook.kernel.name = 'python3';
    await act(async () => notebook.session.signals.kernelChanged.emit());
    expect(message()).toContain('The model of the active notebook');

    const old = await shown([]);
    old.comm.receive(state([modelSummary('a')], []));
    await old.open();
    expect(old.message()).toContain('The kernel is older than this panel');
    expect(old.comm.of('open-tool')).toEqual([]);
  });

  it('says why the kernel did not open it, and why a state is invalid', async () => {
    const { comm, open, node } = await shown();
    comm.receive(state([modelSummary('a')], []));
    await open();
    const [{ tool }] = comm.of('open-tool');
    await act(async () =>
      comm.receive({ type: 'tool-error', tool, message: 'No tokenizer.' })
    );
    expect(node.textContent).toContain('This tool cannot be shown.');
    expect(node.textContent).toContain('No tokenizer.');

    const other = await shown();
    other.comm.receive(state([modelSummary('a')], []));
    await other.open();
    const [opened] = other.comm.of('open-tool');
    await act(async () =>
      other.comm.receive({ type: 'tool', tool: opened.tool, patch: {} })
    );
    expect(other.node.textContent).toContain('This tool cannot be shown.');
  });

  it('keeps its state while it is hidden and after the kernel died, and says so', async () => {
    const { comm, notebook, open, panel, frame, node } = await shown();
    comm.receive(state([modelSummary('a')], []));
    await open();
    const [{ tool }] = comm.of('open-tool');
    await act(async () => comm.receive({ type: 'tool', tool, patch: LENS }));
    const before = frame();
    await act(async () => panel.hide());
    await act(async () => panel.show());
    expect(frame()).toBe(before);
    await act(async () => notebook.session.setStatus('dead'));
    expect(frame()).toBe(before);
    expect(node.textContent).toContain('The kernel no longer has this model');
    await act(async () => panel.dispose());
    expect(panel.isDisposed).toBe(true);
  });
});
