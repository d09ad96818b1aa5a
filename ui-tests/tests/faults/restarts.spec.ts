/** A kernel is restarted again and again while the panel follows it. */
import { expect, test } from '@jupyterlab/galata';
import { KERNEL_NAME } from 'moe-debugger/protocol';
import { recordFault, tries } from '../../../kernel-bridge/test/faults/scale';
import { emptyNotebook } from '../../fixtures/notebooks';
import { openNotebook } from '../../fixtures/open-notebook';
import { PanelPage } from '../../fixtures/panel-page';
import { printed } from '../../fixtures/printed';
import { prompts, truth } from '../../fixtures/truth';

const RESTARTS = tries(3, 15);

// Galata's mock of the kernels API answers a restart with 201, which JupyterLab treats as a failure.
test.use({ kernels: null, sessions: null });
test.setTimeout(60_000 + RESTARTS * 40_000);
test.afterEach(({ page }) =>
  page.evaluate(() => window.jupyterapp.serviceManager.sessions.shutdownAll())
);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test(`${RESTARTS} restarts in a row leave one kernel, and a panel that follows it`, async ({
  page,
  tmpPath
}) => {
  await openNotebook(
    page,
    `${tmpPath}/restarts.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      'console.log(process.pid);',
      `import { loadModel } from 'moe-debugger';
const model = await loadModel('../models/demo');
await model.trace(${JSON.stringify(prompts[0])});`
    ])
  );
  const panel = new PanelPage(page);
  await panel.open();
  const pids: number[] = [];
  for (let i = 0; i < RESTARTS; i++) {
    const [pid] = await printed<number>(page, 0);
    pids.push(pid);
    await page.notebook.runCell(1);
    await expect(panel.traces).toHaveCount(1);
    await panel.routing.expectWeights(truth(0), 0);
    await page.evaluate(() =>
      (
        window.jupyterapp.shell.currentWidget as unknown as {
          context: { sessionContext: { restartKernel(): Promise<void> } };
        }
      ).context.sessionContext.restartKernel()
    );
    await expect(panel.status).toContainText('The kernel was restarted');
    // It was asked for: nobody killed it.
    await expect(panel.status).not.toContainText('The last kernel');
    await expect(panel.traces).toHaveCount(0);
  }
  const [last] = await printed<number>(page, 0);
  expect(new Set([...pids, last]).size).toBe(RESTARTS + 1);
  await expect.poll(() => pids.filter(isAlive)).toEqual([]);
  expect(isAlive(last)).toBe(true);
  await page.notebook.runCell(1);
  await expect(panel.traces).toHaveCount(1);
  await panel.routing.expectWeights(truth(0), 0);
  recordFault(
    'kernel restarts in a row',
    `${RESTARTS} restarts, each after a trace, with the side panel open`,
    'each earlier process is gone, the panel said that its picture is from before, and followed the new kernel'
  );
});
