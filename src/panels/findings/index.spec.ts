import { Panel, Widget } from '@lumino/widgets';
import { testContext } from '../../testing/context';
import { hello, state, traceSummary } from '../../testing/fake-kernel';
import { followedNotebook } from '../../testing/fake-notebook';
import { act } from '../../testing/react';
import { FindingsPanel } from '.';

const FINDING = {
  kind: 'dead-expert',
  severity: 'error',
  layer: 2,
  experts: [3],
  metric: 'tokenRate',
  formula: 'selections / tokens',
  value: 0,
  threshold: 0.01,
  message: 'Expert 3 takes no token.',
  suggestions: [],
  evidence: { tokens: [{ sample: 't', position: 0, id: 0, text: 'def' }] }
};

const found = (findings: object[]) => ({
  running: false,
  omitted: 0,
  found: {
    tokens: 3,
    samples: 1,
    findings,
    undecided: [],
    coverage: { routers: 2, routersWithWeights: 2 }
  }
});

async function shown(tools = ['findings']) {
  const { notebook, model } = followedNotebook();
  const panel = new FindingsPanel({ model, context: testContext() });
  const parent = new Panel();
  parent.addWidget(panel);
  await act(async () => Widget.attach(parent, document.body));
  const { comm } = notebook.kernel;
  const tell = (data: object) => act(async () => comm.receive(data));
  await tell(hello({ tools }));
  const { node } = panel;
  const button = () => node.querySelector<HTMLButtonElement>('button')!;
  return {
    model,
    panel,
    comm,
    tell,
    node,
    button,
    diagnose: async (answer: object) => {
      await act(async () => button().click());
      await tell({ request: comm.of('diagnose').at(-1)!.request, ...answer });
    }
  };
}

describe('FindingsPanel', () => {
  it('says what it needs: a trace, and a kernel that can diagnose', async () => {
    const { node, tell } = await shown();
    expect(node.textContent).toContain('Trace some texts in a cell');
    await tell(state([], [traceSummary('t')]));
    expect(node.textContent).toContain('Press Diagnose');
    const old = await shown([]);
    await old.tell(state([], [traceSummary('t')]));
    expect(old.node.textContent).toContain('The kernel is older');
    expect(old.button().disabled).toBe(true);
  });

  it('lists the findings of the trace when it is asked', async () => {
    const { node, comm, tell, button, diagnose } = await shown();
    await tell(state([], [traceSummary('t')]));
    expect(comm.of('diagnose')).toEqual([]);
    await act(async () => button().click());
    expect(button().disabled).toBe(true);
    expect(button().textContent).toBe('Diagnosing…');
    await tell({
      type: 'findings',
      request: comm.of('diagnose')[0].request,
      state: found([FINDING])
    });
    expect(button().disabled).toBe(false);
    expect(node.textContent).toContain('1 error');
    expect(node.textContent).toContain('Expert 3 takes no token.');
    await diagnose({ type: 'findings', state: found([]) });
    expect(node.textContent).toContain('Nothing was found in 3 tokens.');
    expect(node.textContent).not.toContain('Expert 3');
  });

  it('shows the layer of a finding in the picture', async () => {
    const { model, node, comm, tell, diagnose } = await shown();
    await tell(state([], [traceSummary('t')]));
    await act(async () => comm.sendTrace('t'));
    await diagnose({ type: 'findings', state: found([FINDING]) });
    const { routing } = model.follower!;
    expect(routing!.layerIndex).toBe(0);
    const press = (text: RegExp) =>
      act(async () =>
        [...node.querySelectorAll('button')]
          .find(own => text.test(own.textContent ?? ''))!
          .click()
      );
    await press(/Dead expert/i);
    await press(/^Show layer 2 above$/);
    expect(routing!.layerIndex).toBe(1);
  });

  it('says of which trace the findings are once another one is selected', async () => {
    const { node, tell, diagnose } = await shown();
    await tell(state([], [traceSummary('old')]));
    await diagnose({ type: 'findings', state: found([]) });
    await tell(state([], [traceSummary('new'), traceSummary('old')]));
    expect(node.querySelector('[role=note]')!.textContent).toBe(
      'Below are the findings of another trace: old'
    );
  });

  it('shows the kernel’s error', async () => {
    const { node, tell, diagnose } = await shown();
    await tell(state([], [traceSummary('t')]));
    await diagnose({ type: 'findings-error', message: 'No weights.' });
    expect(node.querySelector('[role=alert]')!.textContent).toBe('No weights.');
  });
});
