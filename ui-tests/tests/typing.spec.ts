/** Keys in the text fields of tools: typed, not filled, since JupyterLab listens for keys. */
import { expect, test } from '@jupyterlab/galata';
import type { Locator, Page } from '@playwright/test';
import { KERNEL_NAME } from 'moe-debugger/protocol';
import { emptyNotebook } from '../fixtures/notebooks';
import { openNotebook } from '../fixtures/open-notebook';
import { PanelPage } from '../fixtures/panel-page';
import { WorkbenchPage } from '../fixtures/workbench-page';

// Galata's mock of the kernels API does not end kernels.
test.use({ kernels: null, sessions: null });
test.afterEach(({ page }) =>
  page.evaluate(() => window.jupyterapp.serviceManager.sessions.shutdownAll())
);

const LOAD =
  "import { loadModel } from 'moe-debugger';\n" +
  "const model = await loadModel('../models/demo');\n";

/** Types two lines, undoes and redoes. `line` are the keys that start a line. */
async function editsLines(
  page: Page,
  field: Locator,
  line: 'Enter' | 'Shift+Enter'
): Promise<void> {
  await field.click();
  await page.keyboard.press('Control+a');
  await page.keyboard.press('Delete');
  await page.keyboard.type('one');
  await page.keyboard.press(line);
  await page.keyboard.type('two');
  await expect(field).toHaveValue('one\ntwo');
  await page.keyboard.press('Control+z');
  await expect(field).not.toHaveValue('one\ntwo');
  await page.keyboard.press('Control+Shift+z');
  await expect(field).toHaveValue('one\ntwo');
}

/** The prompt field of each tool, and the keys that start a line in it. */
const FIELDS = [
  ['experts', 'Prompt', 'Shift+Enter'],
  ['lens', 'Prompt', 'Shift+Enter'],
  ['attribution', 'Prompt', 'Shift+Enter'],
  ['steering', 'Prompt', 'Shift+Enter'],
  ['steering', 'Towards', 'Enter'],
  ['sweep', 'Prompts, one per line', 'Enter'],
  ['circuit', 'Clean', 'Shift+Enter']
] as const;

test('fields of tools in cells take lines, undo and redo', async ({
  page,
  tmpPath
}) => {
  const names = [...new Set(FIELDS.map(([name]) => name))];
  await openNotebook(
    page,
    `${tmpPath}/lines.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      LOAD,
      ...names.map(name => `model.tools.${name}()`)
    ])
  );
  await page.notebook.runCell(0);
  const cells = page.locator('.jp-Notebook .jp-CodeCell');
  for (const [i] of names.entries()) {
    await page.notebook.runCell(i + 1);
    await expect(cells.nth(i + 1).locator('.moe-ToolFrame')).toHaveAttribute(
      'data-moe-live',
      'true'
    );
  }
  const count = await cells.count();
  for (const [name, label, line] of FIELDS) {
    const cell = cells.nth(names.indexOf(name) + 1);
    await editsLines(page, cell.getByLabel(label), line);
  }
  // No key ran a cell or made one.
  await expect(cells).toHaveCount(count);
});

test('a number that is not valid is said beside its field, and Enter submits a valid one', async ({
  page,
  tmpPath
}) => {
  await openNotebook(
    page,
    `${tmpPath}/numbers.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      `${LOAD}model.tools.experts({ prompt: 'def fib(n):', maxNewTokens: 4 })`
    ])
  );
  await page.notebook.runCell(0);
  const tool = page.locator('.jp-Notebook .moe-ToolFrame');
  const generate = tool.getByRole('button', { name: 'Generate' });
  await expect(generate).toBeEnabled();
  const field = tool.getByLabel('New tokens');
  for (const keys of ['-3', '0', '1.5', '9999', '-']) {
    await field.click();
    await page.keyboard.press('Control+a');
    await page.keyboard.type(keys);
    await expect(tool.getByRole('alert')).toHaveText(
      'a whole number from 1 to 512'
    );
    await expect(generate).toBeDisabled();
  }
  await page.keyboard.press('Control+a');
  await page.keyboard.type('6');
  await expect(tool.getByRole('alert')).toHaveCount(0);
  await page.keyboard.press('Enter');
  await expect(tool.getByRole('region', { name: 'Original' })).toContainText(
    '6 tokens'
  );
});

test('a tool waits for a busy kernel, says so, and keeps what is typed', async ({
  page,
  tmpPath
}) => {
  await openNotebook(
    page,
    `${tmpPath}/busy.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      `${LOAD}model.tools.lens()`,
      'const end = Date.now() + 6000; while (Date.now() < end) {}'
    ])
  );
  await page.notebook.runCell(0);
  const tool = page.locator('.jp-Notebook .moe-ToolFrame');
  await expect(tool).toHaveAttribute('data-moe-live', 'true');
  const field = tool.getByLabel('Prompt');
  // Not Galata's method: it takes the focus when the cell has run.
  await page.notebook.selectCells(1);
  await page.evaluate(() => {
    void window.jupyterapp.commands.execute('notebook:run-cell');
  });
  await field.click();
  await page.keyboard.type('first');
  await page.keyboard.press('Enter');
  await expect(tool).toHaveAttribute('data-moe-waiting', 'true');
  await expect(tool.getByRole('status')).toContainText('Waiting: the kernel');
  await page.keyboard.type(' and second');
  await expect(tool.getByRole('table')).toBeVisible();
  await expect(tool).toHaveAttribute('data-moe-waiting', 'false');
  await expect(field).toHaveValue('first and second');
});

test('a field of MoE DevTools takes lines and undo, and the suggestion names a model that exists', async ({
  page,
  tmpPath
}) => {
  await openNotebook(
    page,
    `${tmpPath}/panel.ipynb`,
    emptyNotebook(KERNEL_NAME, [''])
  );
  const panel = new PanelPage(page);
  await panel.open();
  await expect(panel.status).toContainText("loadModel('../models/demo')");
  await panel.status
    .getByRole('button', { name: 'Insert into the notebook' })
    .click();
  await page.notebook.runCell(1);
  const section = await new WorkbenchPage(page).open('lens');
  const field = section.getByLabel('Prompt');
  await expect(field).toHaveValue('def fib(n):');
  await editsLines(page, field, 'Shift+Enter');
});
