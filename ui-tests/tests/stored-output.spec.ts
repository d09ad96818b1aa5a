import { expect, test } from '@jupyterlab/galata';
import { notebookWith, viewBundle, viewDocument } from '../fixtures/notebooks';
import { openWithoutKernel } from '../fixtures/open-notebook';
import { RoutingPage } from '../fixtures/routing-page';
import { EXPERTS, LAYERS, truth } from '../fixtures/truth';

test.describe('a stored output, with no kernel', () => {
  const sample = truth(0);

  test.beforeEach(async ({ page, tmpPath }) => {
    await openWithoutKernel(
      page,
      `${tmpPath}/stored.ipynb`,
      notebookWith(viewBundle(viewDocument([sample, truth(1)])))
    );
  });

  test('shows the recorded weights of each layer in its table', async ({
    page
  }) => {
    const view = new RoutingPage(page.locator('.moe-RoutingView'));
    await view.drawn(0);
    await expect(view.coverage).toHaveText(
      '6 MoE layers, 96 tokens, 1152 slots = k × tokens, checked'
    );
    for (let layer = 0; layer < LAYERS; layer++) {
      await expect(view.slider).toHaveAttribute(
        'aria-valuetext',
        `layer ${layer}, ${layer + 1} of ${LAYERS}`
      );
      await view.expectWeights(sample, layer);
      await view.press('ArrowRight');
    }
    await view.press('Home');
    await view.expectWeights(sample, 0);
  });

  test('shows the recorded values under the pointer', async ({ page }) => {
    const view = new RoutingPage(page.locator('.moe-RoutingView'));
    await view.drawn(0);
    await view.drag(3, LAYERS);
    await view.drawn(3);
    const readings = await view.readTooltips(24, 14);
    expect(readings.length).toBeGreaterThan(100);
    expect(readings.some(reading => reading.rank === '1')).toBe(true);
    expect(readings.some(reading => reading.rank === '2')).toBe(true);
    view.expectReadings(readings, sample, 3);
  });

  test('shows probabilities of all experts', async ({ page }) => {
    const view = new RoutingPage(page.locator('.moe-RoutingView'));
    await view.drawn(0);
    await view.measure.selectOption('probability');
    await view.drawn(0, 'probability');
    await view.setTable(true);
    const rows = await view.rows();
    expect(rows).toHaveLength(sample.tokens.length);
    const { logits } = sample.layers[0];
    rows.forEach(([, , ...values], t) => {
      const row = [...logits.subarray(t * EXPERTS, (t + 1) * EXPERTS)];
      const sum = row.reduce((total, x) => total + Math.exp(x), 0);
      values.forEach((value, e) =>
        expect(Number(value)).toBeCloseTo(Math.exp(row[e]) / sum, 3)
      );
    });
  });

  test('works with the keyboard alone', async ({ page }) => {
    const view = new RoutingPage(page.locator('.moe-RoutingView'));
    await view.drawn(0);
    await view.heatmap.focus();
    await page.keyboard.press('Home');
    for (let i = 0; i < EXPERTS; i++) {
      await page.keyboard.press('ArrowUp');
    }
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowDown');
    const says = (layer: number) => {
      const { logits, selected, weights } = sample.layers[layer];
      const row = [...logits.subarray(EXPERTS, 2 * EXPERTS)];
      const sum = row.reduce((total, x) => total + Math.exp(x), 0);
      const slot = selected.subarray(2, 4).indexOf(1);
      const other = weights[2 + (1 - slot)];
      return (
        `token 1  void, expert 1, ` +
        (slot < 0
          ? 'weight not selected, '
          : `weight ${weights[2 + slot].toFixed(4)}, `) +
        `probability ${(Math.exp(row[1]) / sum).toFixed(4)}` +
        (slot < 0 ? '' : `, rank ${weights[2 + slot] > other ? 1 : 2}`)
      );
    };
    await expect(view.reading).toHaveText(says(0));
    await expect(view.reading).toHaveAttribute('aria-live', 'polite');
    await page.keyboard.press('PageDown');
    await view.drawn(1);
    await expect(view.reading).toHaveText(says(1));
    await expect(view.slider).toHaveValue('1');
  });

  test('follows the theme in place', async ({ page }) => {
    const view = new RoutingPage(page.locator('.moe-RoutingView'));
    await view.drawn(0);
    await view.press('ArrowRight');
    await view.drawn(1);
    const brightest = () =>
      view.heatmap.locator('canvas').evaluate((canvas: HTMLCanvasElement) => {
        // Labels of tokens: the strongest text colour above the cells.
        const { data } = canvas
          .getContext('2d')!
          .getImageData(0, 0, canvas.width, 50);
        let light = 0;
        let dark = 0;
        for (let i = 0; i < data.length; i += 4) {
          if (data[i + 3] > 200) {
            if (data[i] > 128) {
              light++;
            } else {
              dark++;
            }
          }
        }
        return light > dark ? 'light text' : 'dark text';
      });
    await expect.poll(brightest).toBe('dark text');
    await page.theme.setDarkTheme();
    await expect.poll(brightest).toBe('light text');
    await expect(view.slider).toHaveValue('1');
    view.expectReadings(await view.readTooltips(8, 6), sample, 1);
    await page.theme.setLightTheme();
    await expect.poll(brightest).toBe('dark text');
  });

  test('has a picker for its samples', async ({ page }) => {
    const view = new RoutingPage(page.locator('.moe-RoutingView'));
    await view.drawn(0);
    const picture = () =>
      view.heatmap
        .locator('canvas')
        .evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());
    const before = await picture();
    await view.root.getByLabel('Sample').selectOption('1');
    await expect.poll(picture).not.toBe(before);
    view.expectReadings(await view.readTooltips(12, 8), truth(1), 0);
    await view.expectWeights(truth(1), 0);
  });
});

test('tokens that look like Vega expressions are labels', async ({
  page,
  tmpPath
}) => {
  const errors: string[] = [];
  page.on('pageerror', error => errors.push(error.message));
  const sample = truth(0);
  ['if', 'else', 'return', 'null', 'datum'].forEach((text, i) => {
    sample.tokens[i].text = text;
  });
  await openWithoutKernel(
    page,
    `${tmpPath}/words.ipynb`,
    notebookWith(viewBundle(viewDocument([sample])))
  );
  const view = new RoutingPage(page.locator('.moe-RoutingView'));
  await view.drawn(0);
  await expect(view.heatmap.locator('canvas')).toBeVisible();
  expect(errors).toEqual([]);
});

test('two samples stand side by side under one slider', async ({
  page,
  tmpPath
}) => {
  await openWithoutKernel(
    page,
    `${tmpPath}/comparison.ipynb`,
    notebookWith(
      viewBundle(
        viewDocument([truth(0), truth(1)], {
          view: 'comparison',
          state: { layerIndex: 2, measure: 'weight' }
        })
      )
    )
  );
  await page.sidebar.close();
  const view = new RoutingPage(page.locator('.moe-RoutingView'));
  await view.drawn(2);
  const panes = view.root.locator('.moe-RoutingPane');
  await expect(panes).toHaveCount(2);
  const [left, right] = await Promise.all(
    [0, 1].map(i => panes.nth(i).locator('canvas').first().boundingBox())
  );
  expect(left!.y).toBe(right!.y);
  expect(left!.x + left!.width).toBeLessThan(right!.x);
  await view.press('ArrowRight');
  await view.drawn(3);
  await view.setTable(true);
  const first = await new RoutingPage(panes.nth(0)).rows();
  const second = await new RoutingPage(panes.nth(1)).rows();
  const top = (prompt: number) => truth(prompt).layers[3].selected.length / 2;
  expect(first).toHaveLength(top(0));
  expect(second).toHaveLength(top(1));
  expect(first).not.toEqual(second);
});
