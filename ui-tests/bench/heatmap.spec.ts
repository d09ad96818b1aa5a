/**
 * The heatmap in the browser: slider key press -> redrawn picture, pointer -> its reading, wheel -> zoomed picture. Prints
 * one line of JSON per number, for `npm run bench`; alone: `npx playwright test -c ui-tests/bench`.
 */
import { expect, test } from '@jupyterlab/galata';
import type { RoutingSample } from 'moe-debugger/protocol';
import { notebookWith, viewBundle, viewDocument } from '../fixtures/notebooks';
import { openWithoutKernel } from '../fixtures/open-notebook';
import { RoutingPage } from '../fixtures/routing-page';

interface ISize {
  experts: number;
  tokens: number;
  layers: number;
  /** The most milliseconds of a redraw, 95th percentile. */
  target: number;
}

const SIZES: readonly ISize[] = [
  { experts: 64, tokens: 256, layers: 16, target: 16 },
  { experts: 128, tokens: 2048, layers: 4, target: 100 }
];
const TOP_K = 8;
const WARM_UP = 10;
const PRESSES = 100;
/** A frame of 60 Hz, in milliseconds. */
const FRAME = 16;

/** Realistic router scores, the same in each run. */
function randomSample({ experts, tokens, layers }: ISize): RoutingSample {
  let state = 1;
  const random = () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
  return {
    id: 'bench',
    tokens: Array.from({ length: tokens }, (_, position) => ({
      position,
      id: position,
      text: ` t${position}`
    })),
    layers: Array.from({ length: layers }, (_, layer) => {
      const logits = Float32Array.from(
        { length: tokens * experts },
        () => 6 * random() - 3
      );
      const selected = new Int32Array(tokens * TOP_K);
      const weights = new Float32Array(tokens * TOP_K);
      for (let t = 0; t < tokens; t++) {
        const row = logits.subarray(t * experts, (t + 1) * experts);
        const order = [...row.keys()].sort((a, b) => row[b] - row[a]);
        const sum = row.reduce((total, x) => total + Math.exp(x), 0);
        for (let k = 0; k < TOP_K; k++) {
          selected[t * TOP_K + k] = order[k];
          weights[t * TOP_K + k] = Math.exp(row[order[k]]) / sum;
        }
      }
      return {
        layer,
        experts,
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

/** Prints the median and the 95th percentile of times, in milliseconds. */
function print(
  section: string,
  times: readonly number[],
  detail: string,
  target?: number
): void {
  const sorted = [...times].sort((a, b) => a - b);
  for (const [name, share] of [
    ['median', 0.5],
    ['95th percentile', 0.95]
  ] as const) {
    console.log(
      JSON.stringify({
        section,
        name: `${detail}, ${name}`,
        value: Number(sorted[Math.ceil(share * sorted.length) - 1].toFixed(1)),
        unit: 'ms',
        detail: `${sorted.length} times, probabilities`,
        ...(share === 0.95 && target !== undefined
          ? { target: { atMost: target } }
          : {})
      })
    );
  }
}

for (const size of SIZES) {
  const { experts, tokens, layers, target } = size;
  const what = `${experts} experts × ${tokens} tokens`;
  test(`heatmap of ${what}`, async ({ page, tmpPath }) => {
    test.slow();
    await openWithoutKernel(
      page,
      `${tmpPath}/bench.ipynb`,
      notebookWith(
        viewBundle(
          viewDocument([randomSample(size)], {
            // Then all cells have a value.
            state: { layerIndex: 0, measure: 'probability' }
          })
        )
      )
    );
    await page.sidebar.close('left');
    const view = new RoutingPage(page.locator('.moe-RoutingView'));
    await view.drawn(0, 'probability');
    await view.heatmap.focus();
    await page.keyboard.press('0');
    // The time that the page is busy with an event, to the end of the frame that shows it.
    await view.root.evaluate((root: HTMLElement) => {
      const times: number[] = [];
      const last = { at: 0 };
      const work: number[] = [];
      Object.assign(window, { moeTimes: times, moeWork: work });
      // What the page draws, it draws in callbacks of frames: their time is the work, without the wait for the frame.
      const request = window.requestAnimationFrame.bind(window);
      window.requestAnimationFrame = callback =>
        request(time => {
          const begin = performance.now();
          callback(time);
          work.push(performance.now() - begin);
        });
      for (const type of ['keydown', 'pointermove', 'wheel']) {
        root.addEventListener(
          type,
          event => {
            last.at = event.timeStamp;
            request(() =>
              // After the callbacks of this frame, and after it was painted.
              setTimeout(() => times.push(performance.now() - last.at))
            );
          },
          true
        );
      }
    });
    const taken = (): Promise<number[]> =>
      page.evaluate(() => {
        const own = window as unknown as { moeTimes: number[] };
        return own.moeTimes.splice(0);
      });
    const drawn = (): Promise<number[]> =>
      page.evaluate(() => {
        const own = window as unknown as { moeWork: number[] };
        return own.moeWork.splice(0);
      });
    const cells = () =>
      view.heatmap
        .locator('canvas')
        .evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());
    const first = await cells();

    await view.slider.focus();
    await drawn();
    let layer = 0;
    for (let i = 0; i < WARM_UP + PRESSES; i++) {
      const key = Math.floor(i / (layers - 1)) % 2 === 0 ? 'Right' : 'Left';
      layer += key === 'Right' ? 1 : -1;
      await page.keyboard.press(`Arrow${key}`);
      await view.drawn(layer, 'probability');
    }
    expect(await cells()).not.toBe(first);
    await expect
      .poll(() =>
        page.evaluate(
          () => (window as unknown as { moeTimes: number[] }).moeTimes.length
        )
      )
      .toBe(WARM_UP + PRESSES);
    const presses = (await taken()).slice(WARM_UP);
    print('Slider: key press to redrawn heatmap', presses, what);
    const work = (await drawn()).slice(WARM_UP);
    expect(work.length).toBeGreaterThanOrEqual(PRESSES);
    print('Slider: work of a redraw', work, what, target);

    const box = (await view.heatmap.locator('canvas').boundingBox())!;
    const y = box.y + box.height - 80;
    for (let i = 0; i < PRESSES; i++) {
      await page.mouse.move(box.x + 60 + i * 5, y - (i % 7) * 12);
      await page.waitForTimeout(20);
    }
    const moves = await taken();
    expect(moves.length).toBeGreaterThan(PRESSES / 2);
    print('Heatmap: pointer to its reading', moves, what, FRAME);

    await view.heatmap.focus();
    for (let i = 0; i < PRESSES; i++) {
      await page.mouse.wheel(0, i % 20 < 10 ? -100 : 100);
      await page.waitForTimeout(30);
    }
    const zooms = await taken();
    expect(zooms.length).toBeGreaterThan(PRESSES / 2);
    print('Heatmap: wheel to zoomed picture', zooms, what);
  });
}
