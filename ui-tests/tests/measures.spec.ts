import AxeBuilder from '@axe-core/playwright';
import { expect, test } from '@jupyterlab/galata';
import { KERNEL_NAME } from 'moe-debugger/protocol';
import { emptyNotebook } from '../fixtures/notebooks';
import { openNotebook } from '../fixtures/open-notebook';
import { printed } from '../fixtures/printed';
import { WorkbenchPage } from '../fixtures/workbench-page';

// Galata's mock of the kernels API does not end kernels.
test.use({ kernels: null, sessions: null });
test.afterEach(({ page }) =>
  page.evaluate(() => window.jupyterapp.serviceManager.sessions.shutdownAll())
);

for (const theme of ['light', 'dark'] as const) {
  test(`MoE DevTools draw measures of the chosen trace, ${theme} theme`, async ({
    page,
    tmpPath
  }) => {
    if (theme === 'dark') {
      await page.theme.setDarkTheme();
    }
    await openNotebook(
      page,
      `${tmpPath}/measures.ipynb`,
      emptyNotebook(KERNEL_NAME, [
        "import { loadModel } from 'moe-debugger';\n" +
          "const model = await loadModel('../models/demo');\n" +
          "const trace = await model.trace([{ text: 'one two', domain: 'english' }, { text: 'ein Hund', domain: 'german' }]);\n" +
          'console.log(JSON.stringify([trace.loads(2).data.experts, trace.coactivation(3).data]));'
      ])
    );
    const section = await new WorkbenchPage(page).open('measures');
    await expect(section).toContainText('Trace some texts in a cell');
    await page.notebook.activate('measures.ipynb');
    await page.notebook.runCell(0);
    const [[experts, pairs]] = await printed<
      [
        { expert: number; selections: number; tokenRate: number }[],
        { order: number[]; values: (number | null)[][] }
      ]
    >(page, 0);

    const figure = section.locator('.moe-FigureView');
    const layer = section.getByRole('combobox', {
      name: 'Layer of the measure'
    });
    await layer.selectOption('layer 2');
    await expect(figure).toHaveAttribute('data-moe-drawn', 'loads/2');
    const busiest = experts.reduce((a, b) =>
      b.tokenRate > a.tokenRate ? b : a
    );
    const described = figure.getByRole('img');
    await expect(described).toHaveAccessibleName(
      new RegExp(
        `expert ${busiest.expert}: ${(100 * busiest.tokenRate).toFixed(1)} %`
      )
    );

    await layer.selectOption('layer 3');
    await section
      .getByRole('combobox', { name: 'Measure', exact: true })
      .selectOption('Coactivation');
    await expect(figure).toHaveAttribute('data-moe-drawn', 'coactivation/3');
    // A cell of the last row: its reading matches the kernel's value.
    const box = (await figure.locator('canvas').boundingBox())!;
    const reading = figure.locator('.moe-FigureView-reading');
    await page.mouse.move(box.x + box.width / 2, box.y + 12);
    await expect(reading).toHaveText(/^expert \d+, expert \d+: /);
    const [row, column, value] = (await reading.textContent())!
      .match(/[\d.]+/g)!
      .map(Number);
    expect(row).toBe(pairs.order[0]);
    expect(value).toBeCloseTo(pairs.values[row][column]!, 3);

    const { violations } = await new AxeBuilder({
      // Axe needs Playwright's own page, which Galata's wraps.
      page: page as never
    })
      .include('.moe-MeasuresPanel')
      .analyze();
    expect(
      violations.filter(
        ({ impact }) => impact === 'serious' || impact === 'critical'
      )
    ).toEqual([]);
  });
}
