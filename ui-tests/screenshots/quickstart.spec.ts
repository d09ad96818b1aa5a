import { expect, test } from '@jupyterlab/galata';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { PanelPage } from '../fixtures/panel-page';
import { RoutingPage } from '../fixtures/routing-page';

const IMAGES = join(__dirname, '../../docs/images');
const MOST_BYTES = 300_000;

for (const theme of ['light', 'dark'] as const) {
  test(`quickstart, ${theme}`, async ({ page }) => {
    if (theme === 'dark') {
      await page.theme.setDarkTheme();
    }
    await page.notebook.openByPath('notebooks/quickstart.ipynb');
    await page.notebook.activate('quickstart.ipynb');
    await page.sidebar.close('left');
    const panel = new PanelPage(page);
    await panel.open();
    await page.sidebar.setWidth(400, 'right');
    await page.notebook.run();
    await panel.routing.drawn(0);
    const views = page.locator('.jp-Notebook .moe-RoutingView');
    const view = new RoutingPage(views.nth(1));
    await view.root.evaluate(root =>
      root.closest('.jp-CodeCell')?.scrollIntoView({ block: 'start' })
    );
    await view.drawn(2);
    await view.root.getByLabel('Sample').selectOption('5');
    // The expert that takes most German tokens.
    await view.heatmap.focus();
    await page.keyboard.press('Home');
    for (let i = 0; i < 8; i++) {
      await page.keyboard.press('ArrowUp');
    }
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowRight');
    await expect(view.reading).toContainText('expert 2');
    await panel.routing.press('ArrowRight');
    await panel.routing.press('ArrowRight');
    await panel.routing.drawn(2);
    const path = join(IMAGES, `quickstart-${theme}.png`);
    await page.screenshot({ path });
    expect(statSync(path).size).toBeLessThan(MOST_BYTES);
  });
}
