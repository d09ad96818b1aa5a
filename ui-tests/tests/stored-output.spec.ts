import { expect, test } from '@jupyterlab/galata';
import { notebookWith, viewBundle, viewDocument } from '../fixtures/notebooks';
import { openWithoutKernel } from '../fixtures/open-notebook';
import { RoutingPage } from '../fixtures/routing-page';
import { truth } from '../fixtures/truth';

test.describe('a stored output, with no kernel', () => {
  test('shows the recorded routing and moves through the layers', async ({
    page,
    tmpPath
  }) => {
    await openWithoutKernel(
      page,
      `${tmpPath}/stored.ipynb`,
      notebookWith(viewBundle(viewDocument([truth(0)])))
    );
    const view = new RoutingPage(page.locator('.moe-RoutingView'));
    await view.drawn(0);
    await page.screenshot({ path: 'ui-tests/test-results/first.png' });
    await view.slider.focus();
    await page.keyboard.press('ArrowRight');
    await view.drawn(1);
    await view.expectTable(truth(0), 1);
  });
});
test('dark', async ({ page, tmpPath }) => {
  await page.theme.setDarkTheme();
  await openWithoutKernel(
    page,
    `${tmpPath}/stored.ipynb`,
    notebookWith(
      viewBundle(viewDocument([truth(0)])),
      viewBundle(
        viewDocument([truth(0), truth(1), truth(2)], { view: 'comparison' })
      )
    )
  );
  const view = new RoutingPage(page.locator('.moe-RoutingView').first());
  await view.drawn(0);
  await view.heatmap.hover({ position: { x: 250, y: 60 } });
  await page.screenshot({ path: 'ui-tests/test-results/dark.png' });
  await view.slider.focus();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.screenshot({ path: 'ui-tests/test-results/dark2.png' });
});
