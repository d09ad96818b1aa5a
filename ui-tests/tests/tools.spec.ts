import { expect, test } from '@jupyterlab/galata';
import { KERNEL_NAME } from 'moe-debugger/protocol';
import { ExpertsPage } from '../fixtures/experts-page';
import { NO_KERNEL_METADATA, emptyNotebook } from '../fixtures/notebooks';
import {
  closeNotebook,
  openNotebook,
  openWithoutKernel
} from '../fixtures/open-notebook';
import { printed, saved } from '../fixtures/printed';
import { EXPERTS, LAYERS } from '../fixtures/truth';
import { WorkbenchPage } from '../fixtures/workbench-page';

// Galata's mock of the kernels API does not end kernels.
test.use({ kernels: null, sessions: null });
test.afterEach(({ page }) =>
  page.evaluate(() => window.jupyterapp.serviceManager.sessions.shutdownAll())
);

const PROMPT = 'def fib(n):';
const LOAD =
  "import { loadModel } from 'moe-debugger';\n" +
  "const model = await loadModel('../models/demo');\n";
const FRAME = '.jp-Notebook .moe-ToolFrame';
/** Tokens as the page shows them, with visible white space. */
const visible = (text: string) =>
  text.replaceAll('\n', '↵').replaceAll(' ', '·').slice(0, 8);

test('the layer lens shows the kernel’s values, and restores its selection', async ({
  page,
  tmpPath
}) => {
  await openNotebook(
    page,
    `${tmpPath}/lens.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      `${LOAD}model.tools.lens({ prompt: ${JSON.stringify(PROMPT)} })`,
      `const lens = await model.lens(${JSON.stringify(PROMPT)}, { positions: [2], top: 5 });
const votes = lens.data.experts[1].positions[0].votes;
console.log(JSON.stringify(lens.layers.map(layer => layer.top.map(({ text }) => text))));
console.log(JSON.stringify(votes.map(({ expert, top }) => [expert, top[0].text])));`
    ])
  );
  await page.notebook.runCell(0);
  const frame = page.locator(FRAME);
  const table = frame.getByRole('table');
  await expect(table.locator('tbody tr')).toHaveCount(LAYERS);
  const [layers] = await printed<string[][]>(page, 1);
  const [, votes] = await printed<[number, string][]>(page, 1);
  await frame.getByRole('radio').nth(2).check();
  const cells = () =>
    table
      .locator('tbody tr')
      .evaluateAll(rows =>
        rows.map(row =>
          [...row.querySelectorAll('td:not(.moe-mod-number)')].map(
            cell => cell.textContent?.slice(0, 8) ?? ''
          )
        )
      );
  await expect.poll(cells).toEqual(layers.map(row => row.map(visible)));

  const slider = frame.getByRole('slider', { name: 'Layer' });
  await slider.press('Home');
  await slider.press('ArrowRight');
  const shown = frame.getByRole('region', { name: 'Votes of experts' });
  await expect(shown).toContainText('layer 1');
  await expect(shown.getByRole('listitem')).toHaveCount(votes.length);
  for (const [expert, text] of votes) {
    await expect(
      shown.getByRole('listitem').filter({ hasText: `expert ${expert}` })
    ).toContainText(visible(text));
  }
  const before = await cells();

  // The page writes the selection into the output as soon as the slider rests.
  await expect
    .poll(async () =>
      JSON.stringify(await saved(page, `${tmpPath}/lens.ipynb`))
    )
    .toContain('"shown":{"layer":1,"position":2}');
  const stored = await saved(page, `${tmpPath}/lens.ipynb`);
  await page.menu.clickMenuItem('Kernel>Shut Down Kernel');
  await closeNotebook(page);
  await openWithoutKernel(page, `${tmpPath}/reopened.ipynb`, {
    ...stored,
    metadata: NO_KERNEL_METADATA
  });
  await expect(frame.getByRole('note')).toContainText('Run its cell');
  await expect(slider).toHaveValue('1');
  await expect.poll(cells).toEqual(before);
  await expect(frame.getByRole('button', { name: 'Read' })).toBeDisabled();
  await slider.press('End');
  await expect(shown).toContainText(`layer ${LAYERS - 1}`);
});

test('a tool says that it waits while the engine serves a cell', async ({
  page,
  tmpPath
}) => {
  // The cell keeps the engine busy for seconds, on a loaded machine for many.
  test.slow();
  await openNotebook(
    page,
    `${tmpPath}/waiting.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      `${LOAD}model.tools.lens()`,
      // All are sent at once: the engine serves them first.
      `await Promise.all(Array.from({ length: 1000 }, () => model.trace(${JSON.stringify(PROMPT.repeat(12))}))); undefined`
    ])
  );
  await page.notebook.runCell(0);
  const frame = page.locator(FRAME);
  const cell = page.notebook.runCell(1);
  await expect(
    page.locator('.jp-Cell').nth(1).locator('.jp-InputPrompt')
  ).toHaveText('[*]:');
  await frame.getByRole('textbox').fill(PROMPT);
  await frame.getByRole('button', { name: 'Read' }).click();
  // The kernel has received it, and the engine not begun.
  await expect(frame).toHaveAttribute('data-moe-running', 'true');
  await expect(frame.getByRole('status')).toContainText('Waiting: ');
  await expect(frame).not.toContainText('Reading');
  await expect(frame.getByRole('button', { name: 'Cancel' })).toBeEnabled();
  await cell;
  await expect(frame.getByRole('table').locator('tbody tr')).toHaveCount(
    LAYERS
  );
  await expect(frame.getByRole('status')).toHaveCount(0);
});

test('a slider steers the generation beside the original', async ({
  page,
  tmpPath
}) => {
  const contrast =
    "{ positive: ['Der Hund ist', 'Das Haus war'], negative: ['The dog is', 'The house was'] }";
  await openNotebook(
    page,
    `${tmpPath}/steering.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      `${LOAD}model.tools.steering({ prompt: ${JSON.stringify(PROMPT)}, maxNewTokens: 12 })`,
      `const vectors = await model.steeringVectors(${contrast});
const write = async (edits: object) => (await model.with(edits).generate(${JSON.stringify(PROMPT)}, { maxNewTokens: 12 })).text;
console.log(JSON.stringify(await write({})));
console.log(JSON.stringify(await write({ steer: [vectors.at(2, 1.5)] })));
console.log(JSON.stringify(vectors.vectors.length));`
    ])
  );
  await page.notebook.runCell(0);
  const tool = new ExpertsPage(page.locator(FRAME));
  await tool.settled(0);
  await tool.root.getByLabel('Towards').fill('Der Hund ist\nDas Haus war');
  await tool.root.getByLabel('Away from').fill('The dog is\nThe house was');
  await tool.button('Compute vectors').click();
  const slider = tool.root.getByRole('slider', { name: 'Scale, layer 2' });
  await slider.focus();
  for (let i = 0; i < 3; i++) {
    await page.keyboard.press('ArrowRight');
  }
  await expect(slider).toHaveValue('1.5');
  await tool.settled(1);
  const [original, steered] = await printed<string>(page, 1);
  expect(steered).not.toBe(original);
  await expect.poll(() => tool.texts()).toEqual({ original, edited: steered });
  await tool.button('Clear').click();
  await expect(tool.edited).toContainText('Move a slider');
});

test('a sweep fills its grid, and a click opens the tokens', async ({
  page,
  tmpPath
}) => {
  const prompts = [PROMPT, 'Der Hund ist', 'int main(void)'];
  await openNotebook(
    page,
    `${tmpPath}/sweep.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      `${LOAD}model.tools.sweep({ prompts: ${JSON.stringify(prompts)} })`,
      `const result = await model.sweep(${JSON.stringify(prompts)});
console.log(JSON.stringify(result.rows.map(({ layer, expert, klMean, tokens }) => ({ layer, expert, klMean, tokens }))));`,
      'result'
    ])
  );
  await page.notebook.runCell(0);
  const frame = page.locator(FRAME).first();
  const grid = frame.getByRole('grid', { name: 'Effect of ablating' });
  await expect(frame).toContainText('of 144 pairs');
  await expect(grid.getByRole('gridcell')).toHaveCount(LAYERS * EXPERTS);
  await expect(frame).toHaveAttribute('data-moe-running', 'false');
  const [rows] = await printed<
    {
      layer: number;
      expert: number;
      klMean: number;
      tokens: { kl: number }[];
    }[]
  >(page, 1);
  const strongest = [...rows].sort((a, b) => b.klMean - a.klMean);
  const detail = (of: { layer: number; expert: number }) =>
    frame.getByRole('region', {
      name: `layer ${of.layer}, expert ${of.expert}`
    });
  // The strongest expert is selected first.
  await expect(detail(strongest[0])).toContainText(
    strongest[0].klMean.toFixed(4)
  );
  const [, second] = strongest;
  await grid
    .getByRole('gridcell', {
      name: `layer ${second.layer}, expert ${second.expert},`
    })
    .click();
  await expect(detail(second)).toContainText(second.klMean.toFixed(4));
  await expect(detail(second).locator('tbody tr')).toHaveCount(
    second.tokens.length
  );
  await expect(detail(second).locator('tbody td').first()).toHaveText(
    second.tokens[0].kl.toFixed(4)
  );
  await grid.press('Home');
  await expect(detail({ layer: second.layer, expert: 0 })).toBeVisible();

  // A result without its tool is shown in the same way, without a form.
  await page.notebook.runCell(2);
  const result = page.locator(FRAME).nth(1);
  await expect(
    result.getByRole('region', {
      name: `layer ${strongest[0].layer}, expert ${strongest[0].expert}`
    })
  ).toBeVisible();
  await expect(result.getByRole('note')).toBeHidden();
  await expect(result.getByRole('textbox')).toBeHidden();
});

test('each tool opens in MoE DevTools', async ({ page, tmpPath }) => {
  await openNotebook(
    page,
    `${tmpPath}/panel.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      `${LOAD}await model.trace(${JSON.stringify(PROMPT)});`
    ])
  );
  await page.notebook.runCell(0);
  const workbench = new WorkbenchPage(page);
  const view = await workbench.open('lens');
  await view.getByRole('button', { name: 'Read' }).click();
  await expect(view.getByRole('table').locator('tbody tr')).toHaveCount(LAYERS);

  await workbench.show('Experiments');
  await workbench.show('Sweep');
  await view.getByRole('button', { name: 'Sweep', exact: true }).click();
  await expect(view).toContainText('of 48 pairs');
  await expect(view.getByRole('grid')).toBeVisible();

  await workbench.show('Steering');
  await view.getByLabel('Towards').fill('Der Hund');
  await view.getByLabel('Away from').fill('The dog');
  await view.getByRole('button', { name: 'Compute vectors' }).click();
  await expect(view.getByRole('slider')).toHaveCount(LAYERS + 1);

  // Unsent input survives another tab, and a change of theme, which hides everything for a moment.
  await workbench.show('Lens');
  const prompt = view.getByRole('textbox', { name: 'Prompt' });
  await prompt.fill('not sent');
  await workbench.show('Overview');
  await expect(prompt).toBeHidden();
  await workbench.show('Lens');
  await expect(prompt).toHaveValue('not sent');
  await page.theme.setDarkTheme();
  await expect(prompt).toHaveValue('not sent');
});
