import { expect, test, type IJupyterLabPageFixture } from '@jupyterlab/galata';
import { readFileSync } from 'node:fs';
import {
  KERNEL_NAME,
  pruneCircuit,
  type CircuitDocument
} from 'moe-debugger/protocol';
import { NO_KERNEL_METADATA, emptyNotebook } from '../fixtures/notebooks';
import {
  closeNotebook,
  openNotebook,
  openWithoutKernel
} from '../fixtures/open-notebook';
import { printed, saved } from '../fixtures/printed';
import { violations } from '../fixtures/violations';
import { NARROW, WorkbenchPage } from '../fixtures/workbench-page';

// onnxruntime takes seconds to load gradient and patching graphs.
const SLOW = { timeout: 90_000 };
test.beforeEach(() => {
  test.setTimeout(240_000);
});

// Galata's mock of the kernels API does not end kernels.
test.use({ kernels: null, sessions: null });
test.afterEach(({ page }) =>
  page.evaluate(() => window.jupyterapp.serviceManager.sessions.shutdownAll())
);

const CLEAN = 'def fib(n):';
const CORRUPTED = 'def fib(x):';
const LOAD =
  "import { loadModel } from 'moe-debugger';\n" +
  "const model = await loadModel('../models/demo');\n";
const PROMPTS = `${JSON.stringify(CLEAN)}, ${JSON.stringify(CORRUPTED)}`;
const OPTIONS = { steps: 1, measure: 2, randomCircuits: 0, size: 24 };
const FRAME = '.jp-Notebook .moe-ToolFrame';
/** Runs with other batch sizes differ by rounding. */
const DIGITS = 3;
const read = (text: string | null | undefined) =>
  Number(text?.replace('−', '-'));

test('a circuit is pruned, patched, saved, and shown without a kernel', async ({
  page,
  tmpPath
}) => {
  const options = JSON.stringify(OPTIONS);
  await openNotebook(
    page,
    `${tmpPath}/circuit.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      `${LOAD}model.tools.circuit({ clean: ${JSON.stringify(CLEAN)}, corrupted: ${JSON.stringify(CORRUPTED)}, ...${options} })`,
      `const found = await model.circuit(${PROMPTS}, ${options});
console.log(JSON.stringify(found));
console.log(JSON.stringify(await model.patch(${PROMPTS}, [{ node: 'layer 5 head 0', position: 5 }])));`
    ])
  );
  await page.notebook.runCell(0);
  const frame = page.locator(FRAME);
  const parts = frame.getByRole('group', { name: 'Circuit', exact: true });
  await expect(parts).toBeVisible(SLOW);
  await expect(frame).toHaveAttribute('data-moe-running', 'false', SLOW);
  const [circuit, patched] = (await printed<unknown>(page, 1)) as [
    CircuitDocument,
    [{ effect: number }]
  ];
  await expectShown(frame, circuit, circuit.threshold);

  // The strongest edge alone, then all edges of the output.
  const slider = frame.getByRole('slider', { name: 'Threshold' });
  const status = frame.locator('.moe-CircuitThreshold [role="status"]');
  await slider.press('End');
  await expectShown(frame, circuit, Math.abs(circuit.edges[0].effect));
  await slider.press('Home');
  await expect(status).toContainText(
    `edges of ${circuit.edges.length + circuit.edgesLeftOut}`
  );
  await expect(frame.getByText('Too many to draw')).toBeVisible();

  const node = parts.getByRole('button', { name: 'layer 5 head 0,' });
  await node.focus();
  await page.keyboard.press('Enter');
  await expect(node).toHaveAttribute('aria-pressed', 'true');
  const detail = frame.getByRole('region', {
    name: 'Selected part'
  });
  const { effect, effects } = circuit.nodes.find(
    ({ id }) => id === 'layer 5 head 0'
  )!;
  const figures = detail.locator('.moe-CircuitDetails-effects > span');
  const figure = async (at: number) =>
    read(/[−+]?[\d.e-]+$/.exec((await figures.nth(at).textContent())!)?.[0]);
  expect(await figure(0)).toBeCloseTo(effect!, DIGITS);
  await detail.getByRole('radio').nth(6).check();
  expect(await figure(0)).toBeCloseTo(effects![5]!, DIGITS);
  await detail.getByRole('button', { name: 'Measure by patching' }).click();
  await expect(figures.nth(1)).toContainText('measured by patching', SLOW);
  expect(await figure(1)).toBeCloseTo(patched[0].effect, DIGITS);

  await slider.press('End');
  const download = page.waitForEvent('download');
  await frame.getByRole('button', { name: 'DOT' }).click();
  const dot = readFileSync(await (await download).path(), 'utf8');
  expect(dot).toContain('digraph circuit');
  expect(dot).toContain(circuit.edges[0].from);
  await expect(status).toHaveText(/^1 edge /);
  const words = (await status.textContent())!;

  await expect
    .poll(async () =>
      JSON.stringify(await saved(page, `${tmpPath}/circuit.ipynb`)).includes(
        '"shown":{"node":"layer 5 head 0","size":1}'
      )
    )
    .toBe(true);
  const stored = await saved(page, `${tmpPath}/circuit.ipynb`);
  expect(JSON.stringify(stored)).toContain('Circuit of demo: logit of');
  await page.menu.clickMenuItem('Kernel>Shut Down Kernel');
  await expect(frame.getByRole('note').first()).toContainText(
    'No kernel is behind this output'
  );
  await closeNotebook(page);
  await openWithoutKernel(page, `${tmpPath}/reopened.ipynb`, {
    ...stored,
    metadata: NO_KERNEL_METADATA
  });
  await expect(frame.getByRole('note').first()).toContainText('Run its cell');
  await expect(status).toHaveText(words);
  await expect(detail).toContainText('layer 5 head 0');
  await expect(frame.getByRole('button', { name: 'Find' })).toBeDisabled();
  await expect(frame.getByLabel('Target', { exact: true })).toBeDisabled();
  await detail.getByRole('radio').nth(1).check();
  await expect(
    detail.getByRole('button', { name: 'Measure by patching' })
  ).toBeDisabled();
  await slider.press('Home');
  await expect(status).not.toHaveText(words);
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
        `${LOAD}await model.trace(${JSON.stringify(CLEAN)});`
      ])
    );
    await page.notebook.runCell(0);
    const view = await new WorkbenchPage(page).open('circuit');
    await page.setViewportSize(NARROW);
    await expect(view.getByText('Type two prompts')).toBeVisible();
    expect(await violations(page, '.moe-Workbench')).toEqual([]);
    const frame = view.locator('.moe-ToolFrame');
    await frame.getByRole('textbox', { name: 'Corrupted' }).fill('one');
    await frame.getByRole('button', { name: 'Find' }).click();
    await expect(frame.getByRole('alert')).toContainText(
      'give two prompts with the same number of tokens'
    );
    await frame.getByRole('textbox', { name: 'Corrupted' }).fill(CORRUPTED);
    await frame.getByRole('button', { name: 'Find' }).click();
    const parts = frame.getByRole('group', { name: 'Circuit', exact: true });
    await expect(parts).toBeVisible(SLOW);
    await parts.getByRole('button').last().press('Enter');
    await expect(
      frame.getByRole('region', { name: 'Selected part' })
    ).toBeVisible();
    expect(await violations(page, '.moe-Workbench')).toEqual([]);
  });
}

/** The remaining parts and number of edges at a threshold. */
async function expectShown(
  frame: ReturnType<IJupyterLabPageFixture['locator']>,
  circuit: CircuitDocument,
  threshold: number
): Promise<void> {
  const { nodes, edges } = pruneCircuit(circuit, threshold);
  await expect(
    frame.locator('.moe-CircuitThreshold [role="status"]')
  ).toContainText(`${edges.length} edge`);
  const shown = await frame
    .getByRole('group', { name: 'Circuit', exact: true })
    .getByRole('button')
    .evaluateAll(all => all.map(part => part.getAttribute('data-node')));
  expect(shown.sort()).toEqual(nodes.map(({ id }) => id).sort());
}
