/**
 * Slider key press -> redrawn heatmap, 64 experts x 256 tokens, in the browser. Prints one line of JSON per number,
 * for `npm run bench`; alone: `npx playwright test -c ui-tests/bench`.
 */
import { expect, test } from '@jupyterlab/galata';
import type { RoutingSample } from 'moe-debugger/protocol';
import { notebookWith, viewBundle, viewDocument } from '../fixtures/notebooks';
import { openWithoutKernel } from '../fixtures/open-notebook';
import { RoutingPage } from '../fixtures/routing-page';

const EXPERTS = 64;
const TOKENS = 256;
const TOP_K = 8;
const LAYERS = 16;
const WARM_UP = 10;
const PRESSES = 100;

/** Realistic router scores, the same in each run. */
function randomSample(): RoutingSample {
  let state = 1;
  const random = () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
  return {
    id: 'bench',
    tokens: Array.from({ length: TOKENS }, (_, position) => ({
      position,
      id: position,
      text: ` t${position}`
    })),
    layers: Array.from({ length: LAYERS }, (_, layer) => {
      const logits = Float32Array.from(
        { length: TOKENS * EXPERTS },
        () => 6 * random() - 3
      );
      const selected = new Int32Array(TOKENS * TOP_K);
      const weights = new Float32Array(TOKENS * TOP_K);
      for (let t = 0; t < TOKENS; t++) {
        const row = logits.subarray(t * EXPERTS, (t + 1) * EXPERTS);
        const order = [...row.keys()].sort((a, b) => row[b] - row[a]);
        const sum = row.reduce((total, x) => total + Math.exp(x), 0);
        for (let k = 0; k < TOP_K; k++) {
          selected[t * TOP_K + k] = order[k];
          weights[t * TOP_K + k] = Math.exp(row[order[k]]) / sum;
        }
      }
      return {
        layer,
        experts: EXPERTS,
        topK: TOP_K,
        score: 'softmax',
        logitsAre: 'logits',
        logits,
        selected,
        weights
      };
    })
  };
}

test('slider', async ({ page, tmpPath }) => {
  await openWithoutKernel(
    page,
    `${tmpPath}/bench.ipynb`,
    notebookWith(
      viewBundle(
        viewDocument([randomSample()], {
          // Then all 16,384 cells have a value.
          state: { layerIndex: 0, measure: 'probability' }
        })
      )
    )
  );
  const view = new RoutingPage(page.locator('.moe-RoutingView'));
  await view.drawn(0, 'probability');
  // From the key event to the frame after the painted one: the time that a user waits.
  await view.root.evaluate((root: HTMLElement) => {
    const times: number[] = [];
    (window as unknown as { times: number[] }).times = times;
    let pressed = 0;
    root.addEventListener(
      'keydown',
      event => (pressed = event.timeStamp),
      true
    );
    new MutationObserver(() => {
      if (pressed > 0) {
        const begin = pressed;
        pressed = 0;
        requestAnimationFrame(() => times.push(performance.now() - begin));
      }
    }).observe(root, { attributes: true, attributeFilter: ['data-moe-drawn'] });
  });
  const cells = () =>
    view.heatmap
      .locator('canvas')
      .evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());
  const first = await cells();
  await view.slider.focus();
  let layer = 0;
  for (let i = 0; i < WARM_UP + PRESSES; i++) {
    const key = Math.floor(i / (LAYERS - 1)) % 2 === 0 ? 'Right' : 'Left';
    layer += key === 'Right' ? 1 : -1;
    await page.keyboard.press(`Arrow${key}`);
    await view.drawn(layer, 'probability');
  }
  expect(await cells()).not.toBe(first);
  await expect
    .poll(() =>
      page.evaluate(
        () => (window as unknown as { times: number[] }).times.length
      )
    )
    .toBe(WARM_UP + PRESSES);
  const times = (
    await page.evaluate(() => (window as unknown as { times: number[] }).times)
  )
    .slice(WARM_UP)
    .sort((a, b) => a - b);
  const at = (share: number) =>
    Number(times[Math.ceil(share * times.length) - 1].toFixed(1));
  const detail = `${EXPERTS} experts × ${TOKENS} tokens, ${times.length} presses, probabilities`;
  for (const [name, share] of [
    ['median', 0.5],
    ['95th percentile', 0.95]
  ] as const) {
    console.log(
      JSON.stringify({
        section: 'Slider: key press to redrawn heatmap',
        name,
        value: at(share),
        unit: 'ms',
        detail
      })
    );
  }
});
