import type { Contents } from '@jupyterlab/services';
import { CommandRegistry } from '@lumino/commands';
import { Widget } from '@lumino/widgets';
import { CommandIDs } from '../command-ids';
import { testContext } from '../testing/context';
import {
  hello,
  modelSummary,
  state,
  traceSummary
} from '../testing/fake-kernel';
import { followedNotebook } from '../testing/fake-notebook';
import { act } from '../testing/react';
import { PanelStatus } from './status';

jest.mock('@jupyterlab/notebook', () => ({
  NotebookActions: {
    // A new cell, active: the fake notebook has only one.
    insertBelow: jest.fn()
  }
}));

/** A server whose folders hold nothing to load. */
const contents = {
  localPath: (path: string) => path,
  get: () => Promise.resolve({ content: [] })
} as unknown as Contents.IManager;

async function shown() {
  const { tracker, notebook, model } = followedNotebook();
  const commands = new CommandRegistry();
  const status = new PanelStatus({
    model,
    commands,
    contents,
    trans: testContext().trans
  });
  await act(async () => Widget.attach(status, document.body));
  return {
    tracker,
    notebook,
    commands,
    node: status.node,
    kernel: notebook.kernel,
    texts: () =>
      [...status.node.querySelectorAll('p')].map(
        ({ textContent }) => textContent
      ),
    press: () =>
      act(async () => status.node.querySelector<HTMLElement>('button')!.click())
  };
}

describe('PanelStatus', () => {
  it('offers a new notebook where there is none', async () => {
    const { tracker, commands, node, press } = await shown();
    const executed: string[] = [];
    commands.addCommand(CommandIDs.newNotebook, {
      describedBy: { args: {} },
      execute: () => executed.push('new')
    });
    await act(async () => tracker.show(null));
    expect(node.querySelector('h2')!.textContent).toBe('MoE Debugger');
    expect(node.textContent).toContain('Open a notebook of the kernel');
    await press();
    expect(executed).toEqual(['new']);
  });

  it.each([
    ['restarting', 'The kernel is restarting.'],
    ['starting', 'Connecting to the kernel…'],
    [
      'dead',
      'The kernel is dead; models and traces in it are lost. The output of the last cell may say why.'
    ]
  ])('says that a kernel is %s', async (status, text) => {
    const { notebook, texts } = await shown();
    await act(async () => notebook.session.setStatus(status));
    expect(texts()).toEqual([text]);
  });

  it('starts our kernel in the place of a dead one', async () => {
    const { notebook, press } = await shown();
    const asked: object[] = [];
    Object.assign(notebook.sessionContext, {
      changeKernel: (options: object) => asked.push(options)
    });
    await act(async () => notebook.session.setStatus('dead'));
    await press();
    expect(asked).toEqual([{ name: notebook.kernel.name }]);
  });

  it('names the kernel that is not ours, and says how to install ours where it is not', async () => {
    const { notebook, node, texts } = await shown();
    notebook.kernel.name = 'python3';
    await act(async () => notebook.session.signals.kernelChanged.emit());
    expect(texts()[0]).toContain('This notebook runs Python 3.');
    expect(node.querySelector('button')!.textContent).toBe('Switch kernel');

    const other = await shown();
    Object.assign(other.notebook.sessionContext, {
      specsManager: { specs: { kernelspecs: {} } }
    });
    await act(async () => other.notebook.session.setStatus('dead'));
    expect(other.node.querySelector('button')).toBeNull();
    expect(other.texts()[1]).toContain('moe-debugger kernel install');
  });

  it('says that there is no kernel', async () => {
    const { notebook, texts } = await shown();
    notebook.sessionContext.session.kernel = null;
    await act(async () => notebook.session.signals.kernelChanged.emit());
    expect(texts()[0]).toContain('This notebook has no kernel.');
  });

  it('says that the kernel closed the connection, and which versions do not fit', async () => {
    const closed = await shown();
    await act(async () => closed.kernel.comm.onClose());
    expect(closed.texts()[0]).toContain('The kernel closed the connection');
    const old = await shown();
    await act(async () => old.kernel.comm.receive(hello({ version: 99 })));
    expect(old.texts()[0]).toContain('protocol version 99 and this panel');
  });

  it('suggests code, inserts it, and says nothing once there is a trace', async () => {
    const { notebook, kernel, node, texts, press } = await shown();
    await act(async () =>
      kernel.comm.receive(hello({ previousEnd: { cause: 'memory' } }))
    );
    await act(async () => kernel.comm.receive(state([], [])));
    expect(node.querySelector('h2')!.textContent).toBe('a.ipynb');
    expect(texts()).toEqual([
      expect.stringContaining('JavaScript ran out of memory.'),
      'No model is loaded in this kernel. Run a cell like this:'
    ]);
    const code = () => node.querySelector('pre')!.textContent!;
    expect(code()).toContain("loadModel('path/to/your-model')");
    await press();
    expect(notebook.source).toBe(code());

    await act(async () => kernel.comm.receive(state([modelSummary('m')], [])));
    expect(texts()[1]).toBe('No trace yet. Run a cell like this:');
    expect(code()).toBe("await model.trace('def fib(n):')");
    await act(async () =>
      kernel.comm.receive(state([modelSummary('m')], [traceSummary('t')]))
    );
    expect(node.textContent).toBe('a.ipynb');
  });

  it('says that the picture is older than the kernel', async () => {
    const { notebook, kernel, texts } = await shown();
    await act(async () => {
      kernel.comm.receive(hello());
      kernel.comm.receive(state([modelSummary('m')], [traceSummary('t')]));
      kernel.comm.sendTrace('t');
    });
    await act(async () => notebook.session.setStatus('restarting'));
    expect(texts()).toEqual([
      'The kernel is restarting. The picture below is from before the restart.'
    ]);
    await act(async () => notebook.session.setStatus('idle'));
    await act(async () =>
      kernel.comm.receive(hello({ previousEnd: { cause: 'killed' } }))
    );
    expect(texts()[0]).toContain('The last kernel was killed or crashed');
    expect(texts()[1]).toContain('The kernel was restarted.');
  });
});
