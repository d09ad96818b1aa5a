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
import { prompts } from '../fixtures/truth';
import { WorkbenchPage } from '../fixtures/workbench-page';

// Galata's mock of the kernels API does not end kernels.
test.use({ kernels: null, sessions: null });
test.afterEach(({ page }) =>
  page.evaluate(() => window.jupyterapp.serviceManager.sessions.shutdownAll())
);

const PROMPT = prompts[0];
const TOKENS = 16;
const LOAD =
  "import { loadModel } from 'moe-debugger';\n" +
  "const model = await loadModel('../models/demo');\n";
const SELECTOR = `model.tools.experts({ prompt: ${JSON.stringify(PROMPT)}, maxNewTokens: ${TOKENS} })`;
/** Prints the generated text as JSON, so that white space is compared too. */
const write = (model: string) =>
  `console.log(JSON.stringify((await ${model}.generate(${JSON.stringify(PROMPT)}, { maxNewTokens: ${TOKENS} })).text));`;

test('clicking an expert changes the generation beside it', async ({
  page,
  tmpPath
}) => {
  await openNotebook(
    page,
    `${tmpPath}/experts.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      `${LOAD}const selector = ${SELECTOR};\nselector`,
      [
        write('model'),
        write('model.with({ ablate: [{ layer: 2, expert: 3 }] })'),
        write(
          "model.with({ ablate: [{ layer: 2, expert: 3 }, { layer: 4, expert: 1, mode: 'swap', to: 6 }], topK: [{ layer: 5, k: 4 }] })"
        )
      ].join('\n'),
      'console.log(JSON.stringify(JSON.stringify(selector.edits)))'
    ])
  );
  await page.notebook.runCell(0);
  const experts = new ExpertsPage(page.locator('.jp-Notebook .moe-ToolFrame'));
  await experts.settled(0);
  await expect(experts.edited).toContainText('Choose an expert in the grid');
  const [original, masked, three] = await printed<string>(page, 1);
  expect(masked).not.toBe(original);
  expect(three).not.toBe(masked);
  expect(await experts.texts()).toEqual({ original, edited: null });

  await experts.cell(2, 3).click();
  await experts.settled(1);
  expect(await experts.texts()).toEqual({ original, edited: masked });
  await expect(experts.cell(2, 3)).toHaveAccessibleName(/masked$/);
  const marked = experts.edited.locator('mark');
  await expect(experts.summary).toContainText(
    `${await marked.count()} of ${TOKENS} tokens differ`
  );
  await expect(marked.first()).toHaveClass('moe-mod-first');

  await experts.choose('Swap');
  await experts.cell(4, 1).click();
  await expect(experts.root).toContainText(
    'Choose the expert of layer 4 that runs in place of expert 1'
  );
  await experts.cell(4, 6).click();
  await experts.settled(2);
  await expect(experts.cell(4, 1)).toHaveAccessibleName(
    /swapped for expert 6$/
  );
  await experts.root
    .getByLabel('Layers whose top-k changes')
    .selectOption('layer 5');
  const slider = experts.root.getByRole('slider');
  await slider.press('ArrowRight');
  await experts.settled(3);
  await slider.press('ArrowRight');
  await expect(slider).toHaveValue('4');
  await experts.settled(3);
  await expect.poll(() => experts.texts()).toEqual({ original, edited: three });
  const [edits] = await printed<string>(page, 2);
  expect(JSON.parse(edits)).toEqual({
    ablate: [
      { layer: 2, expert: 3, mode: 'mask' },
      { layer: 4, expert: 1, mode: 'swap', to: 6 }
    ],
    topK: [{ layer: 5, k: 4 }]
  });

  for (const edits of [3, 2, 1]) {
    await experts.button('Undo').click();
    await experts.settled(edits);
  }
  await expect
    .poll(() => experts.texts())
    .toEqual({ original, edited: masked });
  await experts.button('Redo').click();
  await experts.settled(2);
  await experts.button('Clear').click();
  await expect(experts.edited).toContainText('Choose an expert in the grid');
  await expect(experts.button('Clear')).toBeDisabled();
});

test('the grid works by keyboard alone', async ({ page, tmpPath }) => {
  await openNotebook(
    page,
    `${tmpPath}/keyboard.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      `${LOAD}${SELECTOR}`,
      [
        write(
          "model.with({ ablate: [{ layer: 1, expert: 2 }, { layer: 2, expert: 7, mode: 'drop' }] })"
        ),
        write('model.with({ force: [{ layer: 0, expert: 0 }] })')
      ].join('\n')
    ])
  );
  await page.notebook.runCell(0);
  const experts = new ExpertsPage(page.locator('.jp-Notebook .moe-ToolFrame'));
  await experts.settled(0);
  const [two, forced] = await printed<string>(page, 1);
  const at = async (layer: number, expert: number) =>
    expect(experts.grid).toHaveAttribute(
      'aria-activedescendant',
      (await experts.cell(layer, expert).getAttribute('id'))!
    );

  await experts.grid.focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await at(1, 2);
  await page.keyboard.press('Enter');
  await experts.settled(1);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('End');
  await at(2, 7);
  await page.keyboard.press('d');
  await experts.settled(2);
  await expect(experts.cell(2, 7)).toHaveAccessibleName(/dropped$/);
  await expect.poll(async () => (await experts.texts()).edited).toBe(two);

  await page.keyboard.press('Delete');
  await experts.settled(1);
  await page.keyboard.press('Control+z');
  await experts.settled(2);
  await page.keyboard.press('Control+Shift+z');
  await experts.settled(1);
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press(' ');
  await expect(experts.edited).toContainText('Choose an expert in the grid');
  await page.keyboard.press('Home');
  await page.keyboard.press('PageUp');
  await at(0, 0);
  await page.keyboard.press('f');
  await experts.settled(1);
  await expect.poll(async () => (await experts.texts()).edited).toBe(forced);
});

test('shows at the layer why an edit is refused, and continues', async ({
  page,
  tmpPath
}) => {
  await openNotebook(
    page,
    `${tmpPath}/refused.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      `${LOAD}${SELECTOR}`,
      `try { model.with({ ablate: [0, 1, 2, 3, 4, 5, 6].map(expert => ({ layer: 3, expert })) }); } catch (error) { console.log(JSON.stringify((error as Error).message)); }`
    ])
  );
  await page.notebook.runCell(0);
  const experts = new ExpertsPage(page.locator('.jp-Notebook .moe-ToolFrame'));
  await experts.settled(0);
  for (let expert = 0; expert < 6; expert++) {
    await experts.cell(3, expert).click();
    await experts.settled(expert + 1);
  }
  const before = await experts.texts();
  await experts.cell(3, 6).click();
  const refusal = experts.grid.getByRole('alert');
  const [message] = await printed<string>(page, 1);
  await expect(refusal).toHaveText(message);
  const layer = (await experts.cell(3, 0).boundingBox())!;
  const next = (await experts.cell(4, 0).boundingBox())!;
  const box = (await refusal.boundingBox())!;
  expect(box.y).toBeGreaterThan(layer.y);
  expect(box.y).toBeLessThan(next.y);
  expect(await experts.texts()).toEqual(before);
  await experts.cell(3, 0).click();
  await experts.settled(5);
  await expect(refusal).toHaveCount(0);
});

test('a generation is cancelled, and another click starts a new one', async ({
  page,
  tmpPath
}) => {
  await openNotebook(
    page,
    `${tmpPath}/cancel.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      `${LOAD}model.tools.experts({ prompt: ${JSON.stringify(PROMPT)}, maxNewTokens: 400 })`,
      write('model.with({ ablate: [{ layer: 2, expert: 3 }] })')
    ])
  );
  await page.notebook.runCell(0);
  const experts = new ExpertsPage(page.locator('.jp-Notebook .moe-ToolFrame'));
  await experts.button('Cancel').click();
  await expect(experts.original).toContainText(/cancelled after \d+ token/);
  await expect(experts.button('Generate')).toBeEnabled();

  // Another click cancels the new generation.
  await experts.cell(0, 0).click();
  await expect(experts.button('Cancel')).toBeVisible();
  await experts.cell(0, 0).click();
  await experts.root.getByLabel('New tokens').fill(String(TOKENS));
  await experts.prompt.press('Enter');
  await expect(experts.edited).toContainText('Choose an expert in the grid');
  await experts.cell(2, 3).click();
  await experts.settled(1);
  const [text] = await printed<string>(page, 1);
  expect((await experts.texts()).edited).toBe(text);
});

test('survives saving and reopening without a kernel', async ({
  page,
  tmpPath
}) => {
  await openNotebook(
    page,
    `${tmpPath}/live.ipynb`,
    emptyNotebook(KERNEL_NAME, [`${LOAD}${SELECTOR}`])
  );
  await page.notebook.runCell(0);
  const frame = page.locator('.jp-Notebook .moe-ToolFrame');
  const live = new ExpertsPage(frame);
  await live.settled(0);
  await live.cell(2, 3).click();
  await live.settled(1);
  const texts = await live.texts();
  await expect(live.notice).toHaveCount(0);
  const name = await live.cell(1, 1).getAttribute('aria-label');
  const stored = await saved(page, `${tmpPath}/live.ipynb`);
  expect(JSON.stringify(stored)).toContain('mask expert 3 in layer 2');
  await page.menu.clickMenuItem('Kernel>Shut Down Kernel');
  await expect(live.notice).toContainText('No kernel is behind this output');
  expect(await live.texts()).toEqual(texts);
  await closeNotebook(page);

  await openWithoutKernel(page, `${tmpPath}/reopened.ipynb`, {
    ...stored,
    metadata: NO_KERNEL_METADATA
  });
  const reopened = new ExpertsPage(frame);
  await expect(reopened.notice).toContainText('Run its cell');
  expect(await reopened.texts()).toEqual(texts);
  await expect(reopened.cell(2, 3)).toHaveAccessibleName(/masked$/);
  await expect(reopened.cell(1, 1)).toHaveAccessibleName(name!);
  await expect(reopened.prompt).toHaveValue(PROMPT);
  for (const button of ['Generate', 'Undo', 'Clear', 'Reset']) {
    await expect(reopened.button(button)).toBeDisabled();
  }
  await reopened.cell(0, 0).click({ force: true });
  await expect(reopened.cell(0, 0)).not.toHaveAccessibleName(/masked/);
});

test('works in MoE DevTools', async ({ page, tmpPath }) => {
  await openNotebook(
    page,
    `${tmpPath}/panel.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      `${LOAD}await model.trace(${JSON.stringify(PROMPT)});`,
      write('model').replaceAll(String(TOKENS), '32'),
      write('model.with({ ablate: [{ layer: 2, expert: 3 }] })').replaceAll(
        String(TOKENS),
        '32'
      )
    ])
  );
  const section = await new WorkbenchPage(page).open('experts');
  await expect(section).toContainText('Load a model in a cell');
  await page.notebook.activate('panel.ipynb');
  await page.notebook.runCell(0);
  const experts = new ExpertsPage(section.locator('.moe-ToolFrame'));
  // The newest trace colours the grid before anything is generated.
  await expect(experts.cell(0, 0)).toHaveAccessibleName(/token rate 0\.\d+/);
  await expect(experts.prompt).toHaveValue(PROMPT);
  await experts.cell(2, 3).click();
  await experts.settled(1);
  await page.notebook.activate('panel.ipynb');
  const [original] = await printed<string>(page, 1);
  const [edited] = await printed<string>(page, 2);
  expect(await experts.texts()).toEqual({ original, edited });
});

test('works as a widget among others, and stays when its kernel restarts', async ({
  page,
  tmpPath
}) => {
  await openNotebook(
    page,
    `${tmpPath}/widget.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      `${LOAD}const selector = ${SELECTOR};\nawait selector.generate();\nselector.widget`,
      'console.log(JSON.stringify(selector.edited!.text))'
    ])
  );
  await page.notebook.runCell(0);
  const experts = new ExpertsPage(page.locator('.jp-Notebook .moe-ToolFrame'));
  await experts.settled(0);
  await experts.cell(2, 3).click();
  await experts.settled(1);
  const [edited] = await printed<string>(page, 1);
  expect((await experts.texts()).edited).toBe(edited);

  await page.menu.clickMenuItem('Kernel>Restart Kernel…');
  await page
    .getByRole('dialog')
    .getByRole('button', { name: 'Confirm Kernel Restart' })
    .click();
  await expect(experts.notice).toContainText('Run its cell');
  expect((await experts.texts()).edited).toBe(edited);
  await expect(experts.button('Generate')).toBeDisabled();
  await expect(
    page.locator('.jp-NotebookPanel .jp-Notebook-ExecutionIndicator')
  ).toHaveAttribute('data-status', 'idle');
  await page.notebook.runCell(0);
  await expect(experts.notice).toBeHidden();
  await experts.settled(0);
  await expect(experts.button('Generate')).toBeEnabled();
});
