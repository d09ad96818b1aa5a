import { testContext } from '../../testing/context';
import { hello, state, traceSummary } from '../../testing/fake-kernel';
import { followedNotebook } from '../../testing/fake-notebook';
import { act } from '../../testing/react';
import { RoutingPanel } from '.';

function shown() {
  const { notebook, model } = followedNotebook();
  let panel!: RoutingPanel;
  act(() => {
    panel = new RoutingPanel({ model, context: testContext(), size: 'small' });
  });
  const { comm } = notebook.kernel;
  act(() => {
    comm.receive(hello());
    comm.receive(state([], [traceSummary('t')]));
  });
  const has = (name: string) => panel.node.querySelector(`.${name}`) !== null;
  return { panel, notebook, comm, has };
}

const HINT = 'The routing of the selected trace is drawn here.';

describe('RoutingPanel', () => {
  it('draws the selected trace, which stays after a restart, and goes with our kernel', () => {
    const { panel, notebook, comm, has } = shown();
    const hint = panel.node.querySelector<HTMLElement>('.moe-Message')!;
    expect(hint.textContent).toBe(HINT);
    expect(has('moe-RoutingView')).toBe(false);
    act(() => comm.sendTrace('t'));
    expect(has('moe-RoutingView')).toBe(true);
    expect(hint.classList.contains('lm-mod-hidden')).toBe(true);
    expect(has('moe-mod-stale')).toBe(false);
    act(() => notebook.session.setStatus('restarting'));
    expect([has('moe-RoutingView'), has('moe-mod-stale')]).toEqual([
      true,
      true
    ]);
    notebook.kernel.name = 'python3';
    act(() => notebook.session.signals.kernelChanged.emit());
    expect(has('moe-RoutingView')).toBe(false);
    expect(hint.classList.contains('lm-mod-hidden')).toBe(false);
  });

  it('says why a trace cannot be shown, until the next one', () => {
    const { panel, comm, has } = shown();
    act(() =>
      comm.receive({
        type: 'error',
        request: comm.of('get-trace')[0].request,
        message: 'The trace is gone.'
      })
    );
    const box = panel.node.querySelector('.moe-ErrorBox')!;
    expect(box.textContent).toContain('This trace cannot be shown.');
    expect(box.textContent).toContain('The trace is gone.');
    act(() => comm.receive(state([], [traceSummary('u'), traceSummary('t')])));
    act(() => comm.sendTrace('u'));
    expect([has('moe-ErrorBox'), has('moe-RoutingView')]).toEqual([
      false,
      true
    ]);
  });

  it('draws nothing more once it is disposed', () => {
    const { panel, comm, has } = shown();
    act(() => panel.dispose());
    panel.dispose();
    act(() => comm.sendTrace('t'));
    expect(has('moe-RoutingView')).toBe(false);
  });
});
