import { expect, test } from '@jupyterlab/galata';
import { readFileSync } from 'node:fs';
import { KERNEL_NAME } from 'moe-debugger/protocol';
import { ExpertsPage } from '../fixtures/experts-page';
import { emptyNotebook } from '../fixtures/notebooks';
import { openNotebook } from '../fixtures/open-notebook';
import { PanelPage } from '../fixtures/panel-page';
import { RoutingPage } from '../fixtures/routing-page';
import { LAYERS, TOP_K, prompts, truth } from '../fixtures/truth';
import { WorkbenchPage } from '../fixtures/workbench-page';

// Galata's mock of the kernels API answers a restart with 201, which JupyterLab treats as a failure.
test.use({ kernels: null, sessions: null });
test.afterEach(({ page }) =>
  page.evaluate(() => window.jupyterapp.serviceManager.sessions.shutdownAll())
);

const LOAD =
  "import { loadModel } from 'moe-debugger';\n" +
  "const model = await loadModel('../models/demo');\n";

/** "layer 2: 2 (0.93), 6 (0.07)": the recorded choices of a token, largest weight first. */
function chosen(prompt: number, token: number, layer: number): string {
  const { selected, weights } = truth(prompt).layers[layer];
  const slots = Array.from({ length: TOP_K }, (_, i) => token * TOP_K + i).sort(
    (a, b) => weights[b] - weights[a]
  );
  return `layer ${layer}: ${slots
    .map(slot => `${selected[slot]} (${weights[slot].toFixed(2)})`)
    .join(', ')}`;
}

test('the table shows what PyTorch recorded, and one selection moves all views', async ({
  page,
  tmpPath
}) => {
  await openNotebook(
    page,
    `${tmpPath}/table.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      `${LOAD}await model.trace(${JSON.stringify([prompts[0], prompts[1]])});`
    ])
  );
  await page.notebook.runCell(0);
  await page.sidebar.close('left');
  const workbench = new WorkbenchPage(page);
  const view = await workbench.open('network');
  const rows = view.locator('.moe-TokenTable-row');
  const total = truth(0).tokens.length + truth(1).tokens.length;
  await expect(view).toContainText(`${total} of ${total} tokens`);
  for (const token of [0, 3]) {
    expect(
      await rows
        .nth(token)
        .locator('.moe-Chip')
        .evaluateAll(all => all.map(own => own.getAttribute('aria-label')))
    ).toEqual(
      Array.from({ length: LAYERS }, (_, layer) => chosen(0, token, layer))
    );
  }

  // Tokens of both prompts whose choice at layer 2 includes expert 2.
  const takes = [0, 1].map(prompt =>
    truth(prompt).tokens.filter((_, t) =>
      truth(prompt)
        .layers[2].selected.subarray(t * TOP_K, (t + 1) * TOP_K)
        .includes(2)
    )
  );
  const filter = view.getByRole('combobox', { name: 'Filter tokens' });
  await filter.fill('expert:2:2');
  const count = takes[0].length + takes[1].length;
  await expect(view).toContainText(`${count} of ${total} tokens`);
  await expect(rows.first().locator('.moe-mod-number')).toHaveText(
    String(takes[0][0].position)
  );
  await filter.fill('expert:2:2 oops');
  await filter.blur();
  await expect(view.getByRole('status').first()).toContainText(
    'write text:oops'
  );
  // What is listed can be taken out.
  const [csv] = await Promise.all([
    page.waitForEvent('download'),
    view.getByRole('button', { name: 'Save as CSV' }).click()
  ]);
  const lines = readFileSync(await csv.path(), 'utf8')
    .trimEnd()
    .split('\r\n');
  expect(lines.length - 1).toBe(count);
  await expect(view).toContainText(`${count} tokens saved`);
  expect(lines[0]).toMatch(
    /^index,sample,domain,position,id,text,layer 0 experts/
  );
  await filter.fill('');
  await expect(view).toContainText(`${total} of ${total} tokens`);

  // A click in the table moves the address, the detail and the heatmaps here and in the side panel.
  await rows.nth(2).locator('.moe-mod-layer').nth(3).click();
  await expect(workbench.address).toContainText('layer 3');
  await expect(workbench.address).toContainText('token 2');
  const detail = view.getByRole('complementary', { name: 'Selected token' });
  await expect(detail.getByRole('row')).toHaveCount(LAYERS + 1);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowRight');
  await expect(workbench.address).toContainText('token 3');
  await expect(workbench.address).toContainText('layer 4');
  await workbench.show('Heatmap');
  const heatmap = new RoutingPage(view.locator('.moe-RoutingView'));
  await expect(heatmap.slider).toHaveValue('4');
  await expect(heatmap.reading).toContainText('token 3');
  await heatmap.press('ArrowLeft');
  await expect(workbench.address).toContainText('layer 3');
  await workbench.root
    .getByRole('button', { name: 'Back', exact: true })
    .click();
  await expect(heatmap.slider).toHaveValue('4');
  const panel = new PanelPage(page);
  await panel.open();
  await expect(panel.routing.slider).toHaveValue('4');

  // What was read stays when the kernel ends.
  await page.notebook.activate('table.ipynb');
  await page.menu.clickMenuItem('Kernel>Shut Down Kernel');
  await expect(workbench.root.locator('.moe-StatusLine')).toContainText(
    'the kernel ended'
  );
  await workbench.show('Table');
  await expect(rows.first()).toBeVisible();
});

test('elements are walked by keys to an expert, whose weights are those of the file', async ({
  page,
  tmpPath
}) => {
  await openNotebook(
    page,
    `${tmpPath}/elements.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      `${LOAD}await model.trace(${JSON.stringify(prompts[0])});`
    ])
  );
  await page.notebook.runCell(0);
  const workbench = new WorkbenchPage(page);
  const view = await workbench.open('elements');
  const tree = view.getByRole('tree');
  const parts = tree.getByRole('treeitem');
  await expect(parts).toHaveCount(LAYERS + 3);
  await tree.focus();
  // Down past the embeddings and two layers, into the third one, its mixture and its experts.
  for (const key of [
    ...new Array(4).fill('ArrowDown'),
    'ArrowRight',
    'ArrowDown',
    'ArrowDown',
    'ArrowRight',
    'ArrowDown',
    'ArrowDown',
    'ArrowRight',
    'ArrowDown',
    'ArrowDown',
    'ArrowDown'
  ]) {
    await page.keyboard.press(key);
  }
  await expect(workbench.address).toContainText('layer 2');
  await expect(workbench.address).toContainText('expert 2');
  const detail = view.getByRole('region', { name: 'Selected part' });
  await expect(detail.getByRole('heading', { level: 2 })).toHaveText(
    'Expert 2 of layer 2'
  );
  // Three matrices of 192 × 256, from the configuration of the model.
  await expect(detail).toContainText((3 * 192 * 256).toLocaleString('en'));
  const { selected } = truth(0).layers[2];
  const taking = selected.filter(expert => expert === 2).length;
  await expect(detail).toContainText(`See its ${taking} token`);
  for (const name of ['gate', 'up', 'down']) {
    await expect(detail).toContainText(`Spectrum of ${name}`);
  }
  await detail.getByRole('button', { name: 'See its' }).click();
  await expect(
    view.getByRole('combobox', { name: 'Filter tokens' })
  ).toHaveValue('expert:2:2');
  await expect(view).toContainText(
    `${taking} of ${truth(0).tokens.length} tokens`
  );
});

test('performance shows the parts of a run, and saves it as a Chrome trace', async ({
  page,
  tmpPath
}) => {
  await openNotebook(
    page,
    `${tmpPath}/performance.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      `${LOAD}await model.trace(${JSON.stringify(prompts[0])});`
    ])
  );
  await page.notebook.runCell(0);
  await page.sidebar.close('left');
  const workbench = new WorkbenchPage(page);
  const view = await workbench.open('performance');
  await view.getByRole('button', { name: 'Profile' }).click();
  await expect(view.getByRole('heading', { level: 2 })).toContainText(
    `${truth(0).tokens.length} tokens in`
  );
  const layer = view.getByRole('button', { name: /^layer 2: / });
  await layer.click();
  await expect(view.getByRole('button', { name: /^experts: / })).toHaveCount(1);
  await expect(
    view.getByRole('button', { name: /^router: |^dispatch: / })
  ).not.toHaveCount(0);
  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    view.getByRole('button', { name: 'Save as Chrome trace' }).click()
  ]);
  expect(saved.suggestedFilename()).toBe('demo.trace.json');
  const { traceEvents } = JSON.parse(
    readFileSync(await saved.path(), 'utf8')
  ) as { traceEvents: { ph: string; ts: number; dur: number; name: string }[] };
  expect(traceEvents.every(({ ph }) => ph === 'X')).toBe(true);
  // Layers lie one after the other.
  const layers = traceEvents.filter(({ name }) => /^layer \d$/.test(name));
  expect(layers.length).toBeGreaterThanOrEqual(LAYERS);
});

test('a newcomer finds the German expert, its tokens, and the text without it', async ({
  page
}) => {
  // It runs the whole quickstart first.
  test.slow();
  await page.notebook.openByPath('notebooks/quickstart.ipynb');
  await page.notebook.activate('quickstart.ipynb');
  await page.notebook.run();
  const panel = new PanelPage(page);
  await panel.open();
  const workbench = new WorkbenchPage(page);
  const { view } = workbench;
  let actions = 0;
  const click = async (target: ReturnType<typeof view.locator>) => {
    actions++;
    await target.click();
  };

  await click(
    panel.traces.filter({ hasText: '7 samples' }).getByRole('button')
  );
  await click(panel.root.getByRole('button', { name: 'Overview' }));
  await expect(view.getByRole('heading', { level: 2 })).toHaveText(
    /^0 dead of 48 experts, 1 specialist/
  );
  const finding = view.locator('.moe-Step', { hasText: 'layer 2, expert 2' });
  await expect(finding).toContainText('german');
  await click(finding.getByRole('button', { name: 'See its tokens' }));
  await expect(
    view.getByRole('combobox', { name: 'Filter tokens' })
  ).toHaveValue('expert:2:2 domain:german');
  const rows = view.locator('.moe-TokenTable-row');
  await expect(rows.first()).toContainText('german');
  await click(rows.first().locator('.moe-mod-token'));
  await click(view.getByRole('button', { name: 'Switch experts off' }));
  const experts = new ExpertsPage(view.locator('.moe-ToolFrame'));
  await experts.prompt.fill('Der Mann');
  actions++;
  await click(experts.cell(2, 2));
  await experts.settled(1);
  const { original, edited } = await experts.texts();
  expect(edited).not.toBe(original);
  expect(actions).toBeLessThanOrEqual(12);
});
