import { expect, test } from '@jupyterlab/galata';
import type { IJupyterLabPageFixture } from '@jupyterlab/galata';
import { KERNEL_NAME } from 'moe-debugger/protocol';
import {
  drawnSoFar,
  latencies,
  quantile,
  watchDrawn,
  type IStep
} from '../fixtures/live-latency';
import { emptyNotebook } from '../fixtures/notebooks';
import { openNotebook } from '../fixtures/open-notebook';
import { PanelPage } from '../fixtures/panel-page';
import { RoutingPage } from '../fixtures/routing-page';

// As in panel.spec.ts: Galata's mock of the kernels API hides what a kernel does.
test.use({ kernels: null, sessions: null });
test.afterEach(({ page }) =>
  page.evaluate(() => window.jupyterapp.serviceManager.sessions.shutdownAll())
);

const LOAD =
  "import { loadModel } from 'moe-debugger';\n" +
  "const model = await loadModel('../models/demo');\n" +
  'const session = model.session();';
const TOKENS = 60;
/** A model that takes 50 ms a token, on any machine. */
const WRITE = `const written = await session.generate('def fib(n):', {
  maxNewTokens: ${TOKENS},
  onToken: () => new Promise<void>(done => setTimeout(done, 50))
});
JSON.stringify(written.trace.steps.get('0'))`;

async function printedSteps(
  page: IJupyterLabPageFixture,
  cell: number
): Promise<IStep[]> {
  const output = page
    .locator('.jp-Cell')
    .nth(cell)
    .locator('[data-mime-type="text/plain"] pre');
  return JSON.parse(await output.innerText()) as IStep[];
}

test('a generation is drawn in the side panel while its cell runs', async ({
  page,
  tmpPath
}) => {
  await openNotebook(
    page,
    `${tmpPath}/live.ipynb`,
    emptyNotebook(KERNEL_NAME, [LOAD, ''])
  );
  const panel = new PanelPage(page);
  await panel.open();
  await page.notebook.runCell(0);
  await expect(panel.models).toHaveCount(1);
  await watchDrawn(page, '.moe-Panel');
  await page.notebook.setCell(1, 'code', WRITE);
  const run = page.notebook.runCell(1);

  // Listed and drawn before it is done, and it grows.
  await expect(panel.traces).toHaveCount(1);
  await expect(panel.traces).toContainText('being written…');
  await expect(panel.routing.coverage).toContainText('being written…');
  const count = async () => (await drawnSoFar(page)).length;
  await expect.poll(count).toBeGreaterThan(5);
  await expect(
    page.locator('.jp-Cell').nth(1).locator('.jp-InputPrompt')
  ).toHaveText('[*]:');
  // The layer can be changed meanwhile, and stays.
  await panel.routing.press('ArrowRight');
  await expect(panel.routing.slider).toHaveValue('1');
  await run;

  await expect(panel.routing.coverage).not.toContainText('being written…');
  await expect(panel.routing.coverage).toContainText(
    `${6 + TOKENS} tokens, ${(6 + TOKENS) * 12} slots = k × tokens, checked`
  );
  await expect(panel.routing.coverage).toContainText(`${TOKENS} new tokens`);
  await expect(panel.routing.slider).toHaveValue('1');
  await expect(panel.traces).toHaveCount(1);
  await expect(panel.traces).toContainText(`${6 + TOKENS} tokens`);

  const steps = await printedSteps(page, 1);
  expect(steps).toHaveLength(1 + TOKENS);
  const late = latencies(await drawnSoFar(page), steps);
  expect(late).toHaveLength(TOKENS);
  // The bench has the figures; here other tests run beside. What comes with the end of the cell is seconds late.
  expect(quantile(late, 0.5)).toBeLessThan(400);
});

test('a page that opens in the middle of a generation draws all of it', async ({
  page,
  tmpPath
}) => {
  await openNotebook(
    page,
    `${tmpPath}/middle.ipynb`,
    emptyNotebook(KERNEL_NAME, [LOAD, WRITE])
  );
  await page.notebook.runCell(0);
  const run = page.notebook.runCell(1);
  await expect(
    page.locator('.jp-Cell').nth(1).locator('.jp-InputPrompt')
  ).toHaveText('[*]:');
  const panel = new PanelPage(page);
  await panel.open();
  await expect(panel.routing.coverage).toContainText('being written…');
  await run;
  await expect(panel.routing.coverage).toContainText(`${6 + TOKENS} tokens`);
  await panel.routing.setTable(true);
  await expect(panel.routing.table.locator('tbody tr')).toHaveCount(6 + TOKENS);
});

test("a session's explorer grows in the output of a cell, and an interrupt keeps its tokens", async ({
  page,
  tmpPath
}) => {
  await openNotebook(
    page,
    `${tmpPath}/explorer.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      LOAD,
      'session.explorer()',
      WRITE.replace(String(TOKENS), '500')
    ])
  );
  await page.notebook.runCell(0);
  await page.notebook.runCell(1);
  await expect(page.locator('.jp-Cell').nth(1)).toContainText(
    'shows the next trace of its session'
  );
  const run = page.notebook.runCell(2);
  const view = new RoutingPage(
    page.locator('.jp-Cell').nth(1).locator('.moe-RoutingView')
  );
  await expect(view.coverage).toContainText('being written…');
  const shown = view.root.locator('.moe-TokenStrip-token');
  await expect.poll(() => shown.count()).toBeGreaterThan(20);
  await page.menu.clickMenuItem('Kernel>Interrupt Kernel');
  await run;
  await expect(view.coverage).not.toContainText('being written…');
  const kept = await shown.count();
  expect(kept).toBeGreaterThan(20);
  expect(kept).toBeLessThan(506);
});

test('a kernel that dies in the middle leaves what was drawn, marked as stale', async ({
  page,
  tmpPath
}) => {
  await openNotebook(
    page,
    `${tmpPath}/dies.ipynb`,
    emptyNotebook(KERNEL_NAME, [LOAD, WRITE.replace(String(TOKENS), '500')])
  );
  const panel = new PanelPage(page);
  await panel.open();
  await page.notebook.runCell(0);
  // It never ends.
  page.notebook.runCell(1).catch(() => undefined);
  await panel.routing.setTable(true);
  const shown = panel.routing.table.locator('tbody tr');
  await expect.poll(() => shown.count()).toBeGreaterThan(12);
  await page.menu.clickMenuItem('Kernel>Restart Kernel…');
  await page
    .getByRole('dialog')
    .getByRole('button', { name: 'Confirm Kernel Restart' })
    .click();
  await expect(panel.status).toContainText('The kernel was restarted');
  await expect(panel.routing.coverage).not.toContainText('being written…');
  expect(await shown.count()).toBeGreaterThan(12);
  await expect(panel.traces).toHaveCount(0);
});
