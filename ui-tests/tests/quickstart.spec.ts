import { expect, test } from '@jupyterlab/galata';
import { RoutingPage } from '../fixtures/routing-page';

test('quickstart', async ({ page }) => {
  await page.notebook.openByPath('notebooks/quickstart.ipynb');
  await page.notebook.activate('quickstart.ipynb');
  await page.evaluate(() =>
    window.jupyterapp.commands.execute('jupyterlab-moe-debugger:open-panel')
  );
  await page.screenshot({ path: 'ui-tests/test-results/panel-empty.png' });
  await page.notebook.run();
  const view = new RoutingPage(
    page.locator('.jp-Notebook .moe-RoutingView').first()
  );
  await view.drawn(0);
  await new RoutingPage(page.locator('.moe-Panel .moe-RoutingView')).drawn(0);
  await page.screenshot({ path: 'ui-tests/test-results/quick.png' });
});
