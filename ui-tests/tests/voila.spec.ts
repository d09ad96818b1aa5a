import { expect } from '@jupyterlab/galata';
import { test } from '@playwright/test';
import { KERNEL_NAME } from 'moe-debugger/protocol';
import { emptyNotebook } from '../fixtures/notebooks';
import { RoutingPage } from '../fixtures/routing-page';
import { prompts, truth } from '../fixtures/truth';
import { Voila } from '../fixtures/voila';

const PROMPT = JSON.stringify(prompts[0]);

test.describe('in Voila, which has no file browser and no launcher', () => {
  // Voila runs the cells before it shows the page.
  test.describe.configure({ timeout: 120_000 });
  let voila: Voila;

  test.beforeAll(async () => {
    voila = await Voila.start({
      'page.ipynb': emptyNotebook(KERNEL_NAME, [
        `import { loadModel } from 'moe-debugger';
const model = await loadModel('models/demo');
await model.trace(${PROMPT})`,
        `model.tools.lens({ prompt: ${PROMPT} })`
      ])
    });
  });

  test.afterAll(() => voila.stop());

  test('outputs are drawn, and work with the kernel', async ({ page }) => {
    const errors: string[] = [];
    page.on('pageerror', error => errors.push(error.message));
    page.on('console', message => {
      if (
        message.type() === 'error' &&
        /moe|shared module/i.test(message.text())
      ) {
        errors.push(message.text());
      }
    });
    await page.goto(voila.address('page.ipynb'));
    const view = new RoutingPage(page.locator('.moe-RoutingView'));
    await view.drawn(0);
    await view.expectWeights(truth(0), 0);
    await view.press('ArrowRight');
    await view.expectWeights(truth(0), 1);

    const lens = page.locator('.moe-ToolFrame');
    await expect(lens).toHaveAttribute('data-moe-live', 'true');
    await expect(lens).toHaveAttribute('data-moe-running', 'false');
    await expect(
      lens.getByRole('table', { name: 'Likeliest next tokens by layer' })
    ).toBeVisible();
    expect(errors).toEqual([]);
  });
});
