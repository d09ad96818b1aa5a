import { expect, test } from '@jupyterlab/galata';
import { KERNEL_NAME } from 'moe-debugger/protocol';
import { NO_KERNEL_METADATA, emptyNotebook } from '../fixtures/notebooks';
import { closeNotebook, openNotebook } from '../fixtures/open-notebook';
import { saved } from '../fixtures/printed';
import { RoutingPage } from '../fixtures/routing-page';
import { LAYERS, prompts, truth } from '../fixtures/truth';

const NOTEBOOK = 'notebooks/quickstart.ipynb';

test('the quickstart runs, and its explorer survives saving and reopening', async ({
  page
}) => {
  await page.notebook.openByPath(NOTEBOOK);
  await page.notebook.activate('quickstart.ipynb');
  await page.notebook.run();
  await expect(
    page.locator('[data-mime-type="application/vnd.jupyter.stderr"]')
  ).toHaveCount(0);
  const views = page.locator('.jp-Notebook .moe-RoutingView');
  const view = new RoutingPage(views.first());
  await view.root.scrollIntoViewIfNeeded();
  await view.drawn(0);
  await view.press('End');
  await view.drawn(LAYERS - 1);
  await view.setTable(true);
  const last = await view.rows();
  await view.press('Home');
  await view.drawn(0);
  const first = await view.rows();
  expect(first).not.toEqual(last);
  await view.press('ArrowRight');
  await view.drawn(1);
  const second = await view.rows();
  await view.setTable(false);
  await expect(view.coverage).toContainText('6 of 6 MoE layers');

  // The page writes the layer into the output as soon as the slider rests. Then, without a kernel:
  await expect
    .poll(async () => JSON.stringify(await saved(page, NOTEBOOK)))
    .toContain('"state":{"layerIndex":1,"measure":"weight"}');
  const stored = await saved(page, NOTEBOOK);
  stored.metadata = NO_KERNEL_METADATA;
  await closeNotebook(page);
  await page.contents.uploadContent(
    JSON.stringify(stored),
    'text',
    'notebooks/reopened.ipynb'
  );
  await page.notebook.openByPath('notebooks/reopened.ipynb');
  await page
    .getByRole('dialog')
    .getByRole('button', { name: 'No Kernel' })
    .click();
  const reopened = new RoutingPage(views.first());
  await reopened.root.scrollIntoViewIfNeeded();
  await reopened.drawn(1);
  await reopened.setTable(true);
  await expect.poll(() => reopened.rows()).toEqual(second);
  await reopened.press('Home');
  await expect.poll(() => reopened.rows()).toEqual(first);
  await reopened.press('End');
  await expect.poll(() => reopened.rows()).toEqual(last);
});

test('a traced prompt shows its recorded routing', async ({
  page,
  tmpPath
}) => {
  const prompt = 3;
  await openNotebook(
    page,
    `${tmpPath}/recorded.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      "import { loadModel } from 'moe-debugger';\n" +
        "const model = await loadModel('../models/demo');\n" +
        `const trace = await model.trace(${JSON.stringify(prompts[prompt])});\n` +
        'const explorer = trace.explorer();\nexplorer',
      'explorer.layerIndex'
    ])
  );
  await page.notebook.runCell(0);
  const view = new RoutingPage(page.locator('.moe-RoutingView'));
  await view.drawn(0);
  const sample = truth(prompt);
  await view.expectWeights(sample, 0);
  await view.setTable(false);

  await view.drag(4, LAYERS);
  await view.drawn(4);
  await view.expectWeights(sample, 4);

  // The slider's widget is in the kernel: code reads its position.
  await page.notebook.runCell(1);
  await expect(
    page.locator('.jp-OutputArea-executeResult').last()
  ).toContainText('4');
});

test('code in a cell moves the slider of an explorer above it', async ({
  page,
  tmpPath
}) => {
  await openNotebook(
    page,
    `${tmpPath}/moved.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      "import { loadModel } from 'moe-debugger';\n" +
        "const model = await loadModel('../models/demo');\n" +
        "const explorer = (await model.trace('one two three')).explorer();\n" +
        'explorer',
      "explorer.layerIndex = 5;\nexplorer.measure = 'probability';"
    ])
  );
  await page.notebook.runCell(0);
  const view = new RoutingPage(page.locator('.moe-RoutingView'));
  await view.drawn(0);
  await page.notebook.runCell(1);
  await view.drawn(5, 'probability');
  await expect(view.slider).toHaveValue('5');
});

test('an explorer works as a widget among others', async ({
  page,
  tmpPath
}) => {
  await openNotebook(
    page,
    `${tmpPath}/widget.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      "import { loadModel } from 'moe-debugger';\n" +
        "const model = await loadModel('../models/demo');\n" +
        `const explorer = (await model.trace(${JSON.stringify(prompts[1])})).explorer();\n` +
        'explorer.widget',
      'explorer.layerIndex'
    ])
  );
  await page.notebook.runCell(0);
  const widget = page.locator('.jp-OutputArea-output .moe-RoutingExplorer');
  const view = new RoutingPage(widget.locator('.moe-RoutingView'));
  await view.drawn(0);
  await view.press('ArrowRight');
  await view.drawn(1);
  await view.expectWeights(truth(1), 1);
  await page.notebook.runCell(1);
  await expect(
    page.locator('.jp-OutputArea-executeResult').last()
  ).toContainText('1');
});
