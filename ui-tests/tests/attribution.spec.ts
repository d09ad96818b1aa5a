import { expect, test, type IJupyterLabPageFixture } from '@jupyterlab/galata';
import type { AttributeDocument } from 'moe-debugger/protocol';
import { KERNEL_NAME } from 'moe-debugger/protocol';
import { NO_KERNEL_METADATA, emptyNotebook } from '../fixtures/notebooks';
import {
  closeNotebook,
  openNotebook,
  openWithoutKernel
} from '../fixtures/open-notebook';
import { printed, saved } from '../fixtures/printed';
import { LAYERS } from '../fixtures/truth';
import { violations } from '../fixtures/violations';
import { NARROW, WorkbenchPage } from '../fixtures/workbench-page';

// onnxruntime takes seconds to load a gradient graph, and each kind of target has one.
const SLOW = { timeout: 60_000 };
test.beforeEach(() => {
  test.setTimeout(180_000);
});

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
const STEPS = 16;

/** Runs with other batch sizes differ by rounding. */
const DIGITS = 3;
/** A number in the page's format. */
const read = (text: string | null | undefined) =>
  Number(text?.replace('−', '-'));

test('tokens show the kernel’s attributions, and a click explains an expert instead', async ({
  page,
  tmpPath
}) => {
  await openNotebook(
    page,
    `${tmpPath}/attribution.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      `${LOAD}model.tools.attribution({ prompt: ${JSON.stringify(PROMPT)}, steps: ${STEPS} })`,
      `const found = await model.attribute(${JSON.stringify(PROMPT)}, { steps: ${STEPS} });
console.log(JSON.stringify(found));
const trace = await model.trace(${JSON.stringify(PROMPT)});
const { selected, topK } = trace.layer(4);
const expert = selected[2 * topK];
console.log(JSON.stringify(await model.attribute(${JSON.stringify(PROMPT)}, { steps: ${STEPS}, position: 2, target: { kind: 'router', layer: 4, expert } })));`
    ])
  );
  await page.notebook.runCell(0);
  const frame = page.locator(FRAME);
  const explained = frame.getByRole('region', { name: 'Explained target' });
  await expect(explained).toContainText('completeness gap', SLOW);
  const [logit, router] = await printed<AttributeDocument>(page, 1);
  await expectShown(frame, logit);
  for (const warning of logit.warnings) {
    await expect(explained.getByRole('note')).toHaveText(warning);
  }

  // By keyboard: the token, its router of layer 4, the expert.
  const chips = frame.getByRole('radio');
  await chips.nth(2).focus();
  await page.keyboard.press('Space');
  await frame.getByLabel('Router').selectOption('layer 4');
  const { expert, layer } = router.target;
  const choice = frame.getByRole('button', {
    name: `Explain the score of expert ${expert} of layer ${layer} (selected`
  });
  await choice.focus();
  await page.keyboard.press('Enter');
  await expect(explained).toContainText(
    `Score of layer ${layer}, expert ${expert}, at token 2`,
    SLOW
  );
  await expectShown(frame, router);
  await expect(choice).toHaveAttribute('aria-pressed', 'true');

  await frame.getByRole('button', { name: 'Measure faithfulness' }).click();
  const faithfulness = frame.getByRole('table', { name: 'Faithfulness' });
  await expect(faithfulness).toContainText('8 random orders', SLOW);

  // Another method replaces the answer and keeps the target.
  await frame.getByLabel('Method').selectOption('occlusion');
  await frame.getByRole('button', { name: 'Attribute' }).click();
  await expect(faithfulness).toBeHidden(SLOW);
  await expect(explained).toContainText(`at token 2`);
  await frame.getByText('Table of all tokens').click();
  await expect(
    frame
      .getByRole('table', { name: 'Tokens, strongest first' })
      .locator('tbody tr')
  ).toHaveCount(router.tokens.length);

  await frame.getByLabel('Baseline').selectOption('a contrast prompt');
  await frame.getByLabel('Contrast prompt').fill('x');
  await frame.getByRole('button', { name: 'Attribute' }).click();
  await expect(frame.getByRole('alert')).toContainText(
    'give two prompts with the same number of tokens'
  );
});

test('an attribution is shown without a kernel, with its controls disabled', async ({
  page,
  tmpPath
}) => {
  await openNotebook(
    page,
    `${tmpPath}/stored.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      `${LOAD}model.tools.attribution({ prompt: ${JSON.stringify(PROMPT)}, method: 'grad-input' })`
    ])
  );
  await page.notebook.runCell(0);
  const frame = page.locator(FRAME);
  const explained = frame.getByRole('region', { name: 'Explained target' });
  await expect(explained).toContainText('completeness gap', SLOW);
  const text = await explained.textContent();
  const chips = () => titles(frame);
  const before = await chips();
  await expect
    .poll(
      async () => JSON.stringify(await saved(page, `${tmpPath}/stored.ipynb`)),
      SLOW
    )
    .toContain('"experts":[{');
  const stored = await saved(page, `${tmpPath}/stored.ipynb`);
  expect(JSON.stringify(stored)).toContain('gradient times input');
  await page.menu.clickMenuItem('Kernel>Shut Down Kernel');
  await closeNotebook(page);
  await openWithoutKernel(page, `${tmpPath}/reopened.ipynb`, {
    ...stored,
    metadata: NO_KERNEL_METADATA
  });
  await expect(frame.getByRole('note').first()).toContainText('Run its cell');
  await expect.poll(chips).toEqual(before);
  await expect(explained).toHaveText(text!);
  await expect(
    frame.getByRole('table', { name: 'Credit of layers' })
  ).toBeVisible();
  for (const button of await frame.getByRole('button').all()) {
    await expect(button).toBeDisabled();
  }
  await expect(frame.getByLabel('Method')).toBeDisabled();
  await frame.getByRole('radio').first().check();
  await expect(
    frame.getByRole('region', { name: 'Explain another target' })
  ).toContainText('run the cell');
});

for (const theme of ['light', 'dark'] as const) {
  test(`axe finds nothing serious in a narrow workbench, ${theme} theme`, async ({
    page,
    tmpPath
  }) => {
    if (theme === 'dark') {
      await page.theme.setDarkTheme();
    }
    await openNotebook(
      page,
      `${tmpPath}/panel.ipynb`,
      emptyNotebook(KERNEL_NAME, [
        `${LOAD}await model.trace(${JSON.stringify(PROMPT)});`
      ])
    );
    await page.notebook.runCell(0);
    const view = await new WorkbenchPage(page).open('attribution');
    await page.setViewportSize(NARROW);
    const advice = view.getByText('Type a prompt above');
    await expect(advice).toBeVisible();
    expect(await violations(page, '.moe-Workbench')).toEqual([]);
    await view.getByRole('button', { name: 'Attribute' }).click();
    const frame = view.locator('.moe-ToolFrame');
    await expect(
      frame.getByRole('table', { name: 'Credit of layers' }).getByRole('row')
    ).toHaveCount(LAYERS, SLOW);
    await expect(frame).toHaveAttribute('data-moe-running', 'false', SLOW);
    await expect(frame.getByText('predicted next')).toBeVisible();
    expect(await violations(page, '.moe-Workbench')).toEqual([]);
  });
}

const titles = (frame: ReturnType<IJupyterLabPageFixture['locator']>) =>
  frame
    .getByRole('radio')
    .evaluateAll(all => all.map(chip => chip.getAttribute('aria-label')));

/** Every token has its attribution, and the figures match the document. */
async function expectShown(
  frame: ReturnType<IJupyterLabPageFixture['locator']>,
  { tokens, value, baselineValue, gap }: AttributeDocument
): Promise<void> {
  const shown = (await titles(frame)).map(title =>
    read(title?.split(': ').pop())
  );
  expect(shown).toEqual(
    tokens.map(({ attribution }) => expect.closeTo(attribution, DIGITS))
  );
  const figures = (
    await frame.locator('.moe-SweepExpert-figures > span').allTextContents()
  ).map(text => read(/([+−]?[\d.]+)(?: \(.*)?$/.exec(text)?.[1]));
  expect(figures).toEqual(
    [value, baselineValue, value - baselineValue + gap, gap].map(figure =>
      expect.closeTo(figure, DIGITS)
    )
  );
}
