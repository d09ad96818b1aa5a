import { expect, test } from '@jupyterlab/galata';
import { KERNEL_DISPLAY_NAME, KERNEL_NAME } from 'moe-debugger/protocol';
import { emptyNotebook } from '../fixtures/notebooks';
import { openNotebook } from '../fixtures/open-notebook';
import { PanelPage } from '../fixtures/panel-page';
import { RoutingPage } from '../fixtures/routing-page';
import { prompts, truth } from '../fixtures/truth';
import { WorkbenchPage } from '../fixtures/workbench-page';

// Galata's mock of the kernels API answers a restart with 201, which JupyterLab treats as a failure.
test.use({ kernels: null, sessions: null });
test.afterEach(({ page }) =>
  page.evaluate(() => window.jupyterapp.serviceManager.sessions.shutdownAll())
);

const LOAD =
  "import { loadModel } from 'moe-debugger';\n" +
  "const model = await loadModel('../models/demo');";
const trace = (prompt: string) =>
  `await model.trace(${JSON.stringify(prompt)});`;

test('a command of the palette opens a tool in MoE DevTools', async ({
  page
}) => {
  await page.evaluate(() =>
    window.jupyterapp.commands.execute('jupyterlab-moe-debugger:open-tool', {
      name: 'steering'
    })
  );
  const { root, view } = new WorkbenchPage(page);
  await expect(view).toContainText(
    'The model of the active notebook can be changed here.'
  );
  await expect(root.getByRole('tab', { name: 'Steering' })).toHaveAttribute(
    'aria-selected',
    'true'
  );
});

test('follows the kernel while cells run', async ({ page, tmpPath }) => {
  await openNotebook(
    page,
    `${tmpPath}/live.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      LOAD,
      `${trace(prompts[0])}
import { existsSync } from 'fs';
while (!existsSync('go')) { await new Promise(done => setTimeout(done, 20)); }
${trace('the second prompt')}`
    ])
  );
  const panel = new PanelPage(page);
  await panel.open();
  await expect(panel.status).toContainText('No model is loaded');
  await expect(panel.status).toContainText('await loadModel(');

  await page.notebook.runCell(0);
  await expect(panel.models).toHaveCount(1);
  await expect(panel.models).toContainText('6 MoE layers, 8 experts, top 2');
  await expect(panel.status).toContainText('No trace yet');

  const run = page.notebook.runCell(1);
  await expect(panel.traces).toHaveCount(1);
  await panel.routing.drawn(0);
  await expect(panel.routing.coverage).toHaveText(
    /^6 of 6 MoE layers, 48 tokens, 576 slots = k × tokens, checked · prompt of 48 tokens in [\d.]+ m?s$/
  );
  await panel.routing.expectWeights(truth(0), 0);
  await panel.routing.press('ArrowRight');
  await panel.routing.expectWeights(truth(0), 1);
  await expect(
    page.locator('.jp-Cell').nth(1).locator('.jp-InputPrompt')
  ).toHaveText('[*]:');

  await page.contents.uploadContent('', 'text', `${tmpPath}/go`);
  await run;
  await expect(panel.traces).toHaveCount(2);
  await expect(panel.traces.first()).toContainText('the second prompt');
  await expect(panel.traces.first().getByRole('button')).toHaveAttribute(
    'aria-current',
    'true'
  );
  // The layer stays where the user put it.
  await expect(panel.routing.slider).toHaveValue('1');

  await panel.traces.last().getByRole('button').click();
  await panel.routing.expectWeights(truth(0), 1);
});

test('keeps the last picture after a restart and says that it is stale', async ({
  page,
  tmpPath
}) => {
  await openNotebook(
    page,
    `${tmpPath}/restart.ipynb`,
    emptyNotebook(KERNEL_NAME, [`${LOAD}\n${trace(prompts[0])}`])
  );
  const panel = new PanelPage(page);
  await panel.open();
  await page.notebook.runCell(0);
  await panel.routing.drawn(0);

  await page.menu.clickMenuItem('Kernel>Restart Kernel…');
  await page
    .getByRole('dialog')
    .getByRole('button', { name: 'Confirm Kernel Restart' })
    .click();
  await expect(panel.status).toContainText('The kernel was restarted');
  await expect(panel.routing.root).toBeVisible();
  await expect(panel.traces).toHaveCount(0);
  await panel.routing.expectWeights(truth(0), 0);

  await page.notebook.runCell(0);
  await expect(panel.traces).toHaveCount(1);
  await expect(panel.status).not.toContainText('restarted');
});

test('says how a kernel ended that was killed', async ({ page, tmpPath }) => {
  await openNotebook(
    page,
    `${tmpPath}/killed.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      `${LOAD}\n${trace(prompts[0])}`,
      "process.kill(process.pid, 'SIGKILL');"
    ])
  );
  const panel = new PanelPage(page);
  await panel.open();
  await page.notebook.runCell(0);
  await panel.routing.drawn(0);
  // It never becomes idle again.
  void page.notebook.runCell(1).catch(() => undefined);
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('appears to have died');
  await dialog.getByRole('button', { name: 'Ok' }).click();
  await expect(panel.status).toContainText(
    'The last kernel was killed or crashed'
  );
  await expect(panel.status).toContainText(
    'Variables and loaded models are lost.'
  );
  await expect(panel.status).toContainText('The kernel was restarted');
  await page.notebook.runCell(0);
  await expect(panel.traces).toHaveCount(1);
  await expect(panel.status).not.toContainText('The last kernel');
});

test('two notebooks with two kernels do not mix', async ({ page, tmpPath }) => {
  for (const [name, prompt] of [
    ['a', 0],
    ['b', 1]
  ] as const) {
    await openNotebook(
      page,
      `${tmpPath}/${name}.ipynb`,
      emptyNotebook(KERNEL_NAME, [`${LOAD}\n${trace(prompts[prompt])}`])
    );
  }
  const panel = new PanelPage(page);
  await panel.open();
  await page.notebook.runCell(0);
  await panel.routing.drawn(0);
  await panel.routing.expectWeights(truth(1), 0);

  await page.notebook.activate('a.ipynb');
  await expect(panel.status).toContainText('a.ipynb');
  await expect(panel.status).toContainText('No model is loaded');
  await expect(panel.traces).toHaveCount(0);
  await page.notebook.runCell(0);
  await panel.routing.drawn(0);
  await panel.routing.expectWeights(truth(0), 0);

  await page.notebook.activate('b.ipynb');
  await expect(panel.traces).toHaveCount(1);
  await panel.routing.expectWeights(truth(1), 0);
});

test('says which kernel it needs and switches to it', async ({
  page,
  tmpPath
}) => {
  const panel = new PanelPage(page);
  await panel.open();
  await expect(panel.status).toContainText('Open a notebook');

  await openNotebook(
    page,
    `${tmpPath}/python.ipynb`,
    emptyNotebook('python3', ['1 + 1'])
  );
  await expect(panel.status).toContainText(
    `This notebook runs Python 3 (ipykernel). MoE Debugger needs the kernel “${KERNEL_DISPLAY_NAME}”.`
  );
  await expect(
    page.locator('.jp-NotebookPanel .jp-Notebook-ExecutionIndicator')
  ).toHaveAttribute('data-status', 'idle');
  await panel.status.getByRole('button', { name: 'Switch kernel' }).click();
  await expect(panel.status).toContainText('No model is loaded');

  await page.menu.clickMenuItem('Kernel>Shut Down Kernel');
  await expect(panel.status).toContainText('This notebook has no kernel');
  await panel.status.getByRole('button', { name: 'Start kernel' }).click();
  await expect(panel.status).toContainText('No model is loaded');
});

test('sends nothing to the kernel while hidden', async ({ page, tmpPath }) => {
  const states: string[] = [];
  page.on('websocket', socket =>
    socket.on('framereceived', ({ payload }) => {
      const text = payload.toString();
      if (text.includes('"type": "state"') || text.includes('"type":"state"')) {
        states.push(text);
      }
    })
  );
  await openNotebook(
    page,
    `${tmpPath}/hidden.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      `${LOAD}\n${trace('first')}`,
      trace('second'),
      trace('third')
    ])
  );
  await page.notebook.runCell(0);
  expect(states).toHaveLength(0);
  const panel = new PanelPage(page);
  await panel.open();
  await expect(panel.traces).toHaveCount(1);
  expect(states.length).toBeGreaterThan(0);

  await panel.hide();
  // The kernel answers this cell after it has got the message that the panel is hidden.
  await page.notebook.runCell(1);
  const before = states.length;
  await page.notebook.runCell(2);
  expect(states).toHaveLength(before);

  await panel.open();
  await expect(panel.traces).toHaveCount(3);
});

test('a new MoE notebook contains the example cell', async ({ page }) => {
  // In the folder that contains `models/demo`.
  await page.filebrowser.openHomeDirectory();
  await page.evaluate(() => {
    void window.jupyterapp.commands.execute(
      'jupyterlab-moe-debugger:new-notebook'
    );
  });
  await expect(page.locator('.jp-Notebook .jp-CodeCell').first()).toContainText(
    "await loadModel('models/demo')"
  );
  await page.notebook.runCell(0);
  const panel = new PanelPage(page);
  await panel.open();
  await expect(panel.traces).toHaveCount(1);
  await panel.routing.drawn(0);
  for (const [command, layer] of [
    ['next-layer', 1],
    ['next-layer', 2],
    ['previous-layer', 1]
  ] as const) {
    await panel.routing.slider.focus();
    await page.evaluate(
      id => window.jupyterapp.commands.execute(id),
      `jupyterlab-moe-debugger:${command}`
    );
    await panel.routing.drawn(layer);
  }
  expect(await new RoutingPage(panel.root).slider.count()).toBe(1);
});
