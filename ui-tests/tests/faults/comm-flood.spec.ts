/** Floods of messages, from a kernel to the page and from the page to a kernel: both go on. */
import { expect, test } from '@jupyterlab/galata';
import {
  COMM_TARGET,
  KERNEL_NAME,
  PROTOCOL_VERSION
} from 'moe-debugger/protocol';
import { recordFault, tries } from '../../../kernel-bridge/test/faults/scale';
import { emptyNotebook } from '../../fixtures/notebooks';
import { openNotebook } from '../../fixtures/open-notebook';
import { PanelPage } from '../../fixtures/panel-page';
import { printed } from '../../fixtures/printed';
import { longestGap, watchGaps } from '../../fixtures/responsiveness';
import { prompts, truth } from '../../fixtures/truth';

const MESSAGES = tries(1000, 10_000);
const MOST_MILLISECONDS = 5000;
const MOST_MEGABYTES = 300;

// Galata's mock of the kernels API does not end kernels.
test.use({ kernels: null, sessions: null });
test.setTimeout(300_000);
test.afterEach(({ page }) =>
  page.evaluate(() => window.jupyterapp.serviceManager.sessions.shutdownAll())
);

/**
 * Takes the place of the kernel's own server, as any cell can. A Jupyter server drops what comes faster than 1000 messages a
 * second; this is just below.
 */
const HOSTILE_KERNEL = `
const kernel = (globalThis as any)[Symbol.for('moe-debugger.kernel.v1')];
const model = (name: string) => ({ id: name, name, path: '', layers: ['layer 0'], experts: 4, topK: 2, status: 'ready' });
kernel.registerTarget('${COMM_TARGET}', (comm: any) => {
  comm.send({ type: 'hello', version: ${PROTOCOL_VERSION}, package: '0', tools: ['lens', 'findings'] });
  (globalThis as any).flood = async (count: number) => {
    for (let i = 0; i < count; i++) {
      comm.send([
        { type: 'state', models: [model('model ' + i)], traces: [] },
        { type: 'tool', tool: i, patch: { running: true, lens: 'x'.repeat(100) } },
        { type: 'trace', request: i, view: { html: '<script>window.hacked = 1</script>' } },
        { type: 'error', message: 'e'.repeat(500) }
      ][i % 4]);
      if (i % 25 === 0) { await new Promise(done => setTimeout(done, 40)); }
    }
  };
  (globalThis as any).last = () => comm.send({ type: 'state', models: [model('the last one')], traces: [] });
});
undefined`;

test(`a page bears ${MESSAGES} messages of a kernel`, async ({
  page,
  tmpPath
}) => {
  let received = 0;
  page.on('websocket', socket =>
    socket.on('framereceived', ({ payload }) => {
      received += payload.toString().includes('"comm_msg"') ? 1 : 0;
    })
  );
  await openNotebook(
    page,
    `${tmpPath}/to-page.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      HOSTILE_KERNEL,
      `const { flood } = globalThis as any;\nawait flood(${MESSAGES});`,
      '(globalThis as any).last();'
    ])
  );
  await page.notebook.runCell(0);
  const panel = new PanelPage(page);
  await panel.open();
  await expect(panel.status).toContainText('No model is loaded');
  await watchGaps(page);
  await page.notebook.runCell(1);
  await page.notebook.runCell(2);
  await expect(panel.models).toContainText('the last one');
  const gap = await longestGap(page);
  console.log(`${received} messages came, no timer ran for ${gap} ms at most`);
  expect(await page.evaluate(() => 'hacked' in window)).toBe(false);
  expect(received).toBeGreaterThan(0.9 * MESSAGES);
  expect(gap).toBeLessThan(MOST_MILLISECONDS);
  recordFault(
    'flood of messages to the page',
    `${MESSAGES} messages of a kernel to the side panel, valid and invalid, as fast as a Jupyter server passes them on`,
    `the page answered within ${MOST_MILLISECONDS / 1000} s throughout, and the panel showed the state that came last`
  );
});

test(`a kernel bears ${MESSAGES} messages of a page`, async ({
  page,
  tmpPath
}) => {
  await openNotebook(
    page,
    `${tmpPath}/to-kernel.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      'console.log(Math.round(process.memoryUsage().rss / 2 ** 20));',
      `import { loadModel } from 'moe-debugger';
const model = await loadModel('../models/demo');
await model.trace(${JSON.stringify(prompts[0])});`
    ])
  );
  const panel = new PanelPage(page);
  await panel.open();
  const [before] = await printed<number>(page, 0);
  await watchGaps(page);
  await page.evaluate(
    ([target, version, messages]) => {
      const { kernel } = (
        window.jupyterapp.shell.currentWidget as unknown as {
          context: {
            sessionContext: {
              session: {
                kernel: {
                  createComm(name: string): {
                    open(data: object): { done: Promise<unknown> };
                    send(
                      data: unknown,
                      metadata?: object,
                      buffers?: ArrayBuffer[],
                      disposeOnDone?: boolean
                    ): { done: Promise<unknown> };
                  };
                };
              };
            };
          };
        }
      ).context.sessionContext.session;
      const comm = kernel.createComm(target as string);
      comm.open({ version }).done.catch(() => undefined);
      for (let i = 0; i < (messages as number); i++) {
        const message = [
          { type: 'get-trace', request: i, id: 'x'.repeat(1000) },
          { type: 'act', tool: -1, action: { do: { do: 'do' } } },
          { type: 'open-tool', tool: i, name: 'lens', modelId: 'none' },
          { type: '<script>' },
          { type: 'subscribe', messageId: 1e308 },
          { type: 'draw', request: null, id: [], name: 'x', layerIndex: -1 }
        ][i % 6];
        comm.send(message, {}, [], true).done.catch(() => undefined);
      }
    },
    [COMM_TARGET, PROTOCOL_VERSION, MESSAGES] as const
  );
  const [after] = await printed<number>(page, 0);
  await page.notebook.runCell(1);
  await expect(panel.traces).toHaveCount(1);
  await panel.routing.drawn(0);
  await panel.routing.expectWeights(truth(0), 0);
  const gap = await longestGap(page);
  console.log(
    `${before} MB before, ${after} MB after; no timer ran for ${gap} ms at most`
  );
  expect(after - before).toBeLessThan(MOST_MEGABYTES);
  recordFault(
    'flood of messages to the kernel',
    `${MESSAGES} messages of a page, invalid or about what does not exist`,
    `the next cells ran, the kernel took less than ${MOST_MEGABYTES} MB more, and the panel showed the next trace`
  );
});
