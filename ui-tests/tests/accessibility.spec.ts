import { expect, test } from '@jupyterlab/galata';
import { KERNEL_NAME } from 'moe-debugger/protocol';
import {
  emptyNotebook,
  notebookWith,
  viewBundle,
  viewDocument
} from '../fixtures/notebooks';
import { ExpertsPage } from '../fixtures/experts-page';
import { openNotebook, openWithoutKernel } from '../fixtures/open-notebook';
import { PanelPage } from '../fixtures/panel-page';
import { RoutingPage } from '../fixtures/routing-page';
import { truth } from '../fixtures/truth';
import { violations } from '../fixtures/violations';
import { WorkbenchPage } from '../fixtures/workbench-page';

for (const theme of ['light', 'dark'] as const) {
  test.describe(`axe, ${theme} theme`, () => {
    test.beforeEach(async ({ page }) => {
      if (theme === 'dark') {
        await page.theme.setDarkTheme();
      }
    });

    test('finds nothing serious in a view and its table', async ({
      page,
      tmpPath
    }) => {
      await openWithoutKernel(
        page,
        `${tmpPath}/view.ipynb`,
        notebookWith(
          viewBundle(
            viewDocument([truth(0), truth(1), truth(2)], { view: 'comparison' })
          )
        )
      );
      const view = new RoutingPage(page.locator('.moe-RoutingView'));
      await view.drawn(0);
      expect(await violations(page, '.moe-RoutingView')).toEqual([]);
      await view.setTable(true);
      await expect(view.table).toBeVisible();
      expect(await violations(page, '.moe-RoutingView')).toEqual([]);
    });

    test('finds nothing serious in the expert selector', async ({
      page,
      tmpPath
    }) => {
      await openNotebook(
        page,
        `${tmpPath}/experts.ipynb`,
        emptyNotebook(KERNEL_NAME, [
          "import { loadModel } from 'moe-debugger';\n" +
            "const model = await loadModel('../models/demo');\n" +
            "model.tools.experts({ prompt: 'one two', maxNewTokens: 8 })"
        ])
      );
      await page.notebook.runCell(0);
      const experts = new ExpertsPage(
        page.locator('.jp-Notebook .moe-ToolFrame')
      );
      await experts.settled(0);
      expect(await violations(page, '.moe-ToolFrame')).toEqual([]);
      for (let expert = 0; expert < 6; expert++) {
        await experts.cell(1, expert).click();
        await experts.settled(expert + 1);
      }
      await experts.cell(1, 6).click();
      await expect(experts.grid.getByRole('alert')).toBeVisible();
      expect(await violations(page, '.moe-ToolFrame')).toEqual([]);
    });

    test('finds nothing serious in the panel', async ({ page, tmpPath }) => {
      const panel = new PanelPage(page);
      await panel.open();
      expect(await violations(page, '.moe-Panel')).toEqual([]);
      await openNotebook(
        page,
        `${tmpPath}/panel.ipynb`,
        emptyNotebook(KERNEL_NAME, [
          "import { loadModel } from 'moe-debugger';\n" +
            "const model = await loadModel('../models/demo');\n" +
            "await model.trace('one two');"
        ])
      );
      await expect(panel.status).toContainText('No model is loaded');
      expect(await violations(page, '.moe-Panel')).toEqual([]);
      await page.notebook.runCell(0);
      await panel.routing.drawn(0);
      expect(await violations(page, '.moe-Panel')).toEqual([]);
      await page.sidebar.setWidth(250, 'right');
      expect(await violations(page, '.moe-Panel')).toEqual([]);
    });

    test('finds nothing serious in MoE DevTools', async ({ page, tmpPath }) => {
      // Axe looks at each of eight views.
      test.slow();
      await openNotebook(
        page,
        `${tmpPath}/devtools.ipynb`,
        emptyNotebook(KERNEL_NAME, [
          "import { loadModel } from 'moe-debugger';\n" +
            "const model = await loadModel('../models/demo');\n" +
            "await model.trace([{ text: 'one two', domain: 'english' }, { text: 'ein Hund', domain: 'german' }]);"
        ])
      );
      const workbench = new WorkbenchPage(page);
      const view = await workbench.open();
      const found = () => violations(page, '.moe-Workbench');
      await expect(workbench.root).toContainText('No model is loaded');
      expect(await found()).toEqual([]);
      await page.notebook.activate('devtools.ipynb');
      await page.notebook.runCell(0);
      await expect(view.getByRole('heading', { level: 2 })).toContainText(
        'of 48 experts'
      );
      expect(await found()).toEqual([]);

      await workbench.show('Elements');
      await view.getByLabel('Filter parts').fill('layer 2 expert 2');
      await view.getByRole('treeitem').last().click();
      await expect(view).toContainText('Spectrum of down');
      expect(await found()).toEqual([]);
      await workbench.show('Performance');
      await view.getByRole('button', { name: 'Profile' }).click();
      await expect(
        view.getByRole('button', { name: 'Save as Chrome trace' })
      ).toBeVisible();
      expect(await found()).toEqual([]);
      await workbench.show('Network');
      await view.getByRole('gridcell').nth(3).click();
      await expect(
        view.getByRole('complementary', { name: 'Selected token' })
      ).toContainText('Path');
      await view
        .getByRole('combobox', { name: 'Filter tokens' })
        .fill('exprt:3 x');
      expect(await found()).toEqual([]);

      await workbench.show('Experiments');
      const experts = new ExpertsPage(view.locator('.moe-ToolFrame'));
      await experts.cell(1, 2).click();
      await experts.settled(1);
      expect(await found()).toEqual([]);
      await workbench.show('Lens');
      await view.getByRole('button', { name: 'Read' }).click();
      await expect(view.getByRole('table')).toBeVisible();
      expect(await found()).toEqual([]);
      await workbench.show('Experiments');
      await workbench.show('Sweep');
      await view.getByRole('button', { name: 'Sweep', exact: true }).click();
      await expect(view).toContainText('pairs of prompt and expert');
      expect(await found()).toEqual([]);
      await workbench.show('Steering');
      await view.getByLabel('Towards').fill('Der Hund');
      await view.getByLabel('Away from').fill('The dog');
      await view.getByRole('button', { name: 'Compute vectors' }).click();
      await expect(view.getByRole('slider').nth(2)).toBeVisible();
      expect(await found()).toEqual([]);
    });
  });
}
