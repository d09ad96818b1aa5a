import { expect, test, type IJupyterLabPageFixture } from '@jupyterlab/galata';
import { readFileSync } from 'node:fs';
import type { RoutingSample } from 'moe-debugger/protocol';
import { notebookWith, viewBundle, viewDocument } from '../fixtures/notebooks';
import { openWithoutKernel } from '../fixtures/open-notebook';
import { RoutingPage } from '../fixtures/routing-page';

const TOKENS = 2048;
const EXPERTS = 128;

/**
 * Token t chooses expert t % 128 with weight 0.75, and the one after it with 0.25. Every hundredth token says "needle",
 * and three bytes of one character stand at 5 to 7.
 */
function longSample(): RoutingSample {
  const texts = Array.from({ length: TOKENS }, (_, t) =>
    t % 100 === 50 ? ' needle' : ` t${t}`
  );
  texts.splice(5, 3, '<0xE4>', '<0xBD>', '<0xA0>');
  return {
    id: 'long',
    tokens: texts.map((text, position) => ({ position, id: position, text })),
    layers: [0, 1].map(layer => ({
      layer,
      experts: EXPERTS,
      topK: 2,
      score: 'softmax',
      logitsAre: 'logits',
      logits: new Float32Array(0),
      selected: Int32Array.from(
        { length: 2 * TOKENS },
        (_, slot) => ((slot >> 1) + (slot % 2) + layer) % EXPERTS
      ),
      weights: Float32Array.from({ length: 2 * TOKENS }, (_, slot) =>
        slot % 2 === 0 ? 0.75 : 0.25
      )
    }))
  };
}

async function opened(
  page: IJupyterLabPageFixture,
  tmpPath: string
): Promise<RoutingPage> {
  await openWithoutKernel(
    page,
    `${tmpPath}/long.ipynb`,
    notebookWith(viewBundle(viewDocument([longSample()])))
  );
  await page.sidebar.close('left');
  const view = new RoutingPage(page.locator('.moe-RoutingView'));
  await view.drawn(0);
  return view;
}

test('a long heatmap is zoomed, searched and read by mouse and keys', async ({
  page,
  tmpPath
}) => {
  const view = await opened(page, tmpPath);
  const shown = view.root.locator('.moe-HeatmapTools-zoom > span');
  const range = async (): Promise<[number, number]> => {
    const [from, to] = ((await shown.textContent()) ?? '')
      .split(' ')[0]
      .split('–')
      .map(Number);
    return [from, to];
  };
  // It opens at the first tokens, as many as can be read.
  expect((await range())[0]).toBe(0);
  expect((await range())[1]).toBeGreaterThan(20);
  expect((await range())[1]).toBeLessThan(200);
  const width = (await range())[1];

  // What the tooltips read is what the tokens chose.
  const readings = await view.readTooltips(12, 30);
  expect(readings.length).toBeGreaterThan(100);
  for (const { token, expert, weight } of readings) {
    expect(weight).toBe(
      expert === token % EXPERTS
        ? '0.7500'
        : expert === (token + 1) % EXPERTS
          ? '0.2500'
          : 'not selected'
    );
  }

  // The wheel scrolls the page until the heatmap has the focus; then it zooms around the pointer.
  const box = (await view.heatmap.locator('canvas').boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + box.height - 60);
  await view.heatmap.focus();
  await page.mouse.wheel(0, 600);
  await expect
    .poll(async () => (await range())[1] - (await range())[0])
    .toBeGreaterThan(2 * width);
  await page.keyboard.press('0');
  await expect(shown).toHaveText(`${TOKENS} tokens`);
  await expect(view.root).toContainText('largest of each pixel');

  // A drag over columns zooms to them.
  const left = box.x + 60;
  await page.mouse.move(left, box.y + box.height - 60);
  await page.mouse.down();
  await page.mouse.move(left + 100, box.y + box.height - 60, { steps: 5 });
  await page.mouse.up();
  await expect(shown).toContainText(`of ${TOKENS} tokens`);
  const [from, to] = await range();
  expect(to - from).toBeLessThan(400);

  // The strip of the whole sample moves the part in view.
  await page.mouse.click(box.x + box.width * 0.6, box.y + 30);
  await expect.poll(async () => (await range())[0]).toBeGreaterThan(600);

  // The search goes from hit to hit, and the cursor with it.
  const search = view.root.getByLabel('Find in tokens');
  await search.click();
  await page.keyboard.press('Control+a');
  await page.keyboard.type('needle');
  const count = Math.floor((TOKENS - 51) / 100) + 1;
  await expect(view.root.getByRole('status')).toHaveText(`${count} hits`);
  await page.keyboard.press('Enter');
  await expect(view.reading).toContainText('needle');
  const first = Number(
    /token (\d+)/.exec((await view.reading.textContent())!)![1]
  );
  expect(first % 100).toBe(50);
  await page.keyboard.press('Enter');
  await expect(view.reading).toContainText(`token ${first + 100}`);
  await page.keyboard.press('Shift+Enter');
  await expect(view.reading).toContainText(`token ${first}`);
  await page.keyboard.type('x');
  await expect(view.root.getByRole('status')).toHaveText('not found');

  // Bytes of a character are one step, and one piece of the text.
  await expect(view.root.locator('.moe-TokenStrip-token').nth(5)).toHaveText(
    '你'
  );
  await view.heatmap.focus();
  await page.keyboard.press('Home');
  for (let i = 0; i < 6; i++) {
    await page.keyboard.press('ArrowRight');
  }
  await expect(view.reading).toContainText('token 8');

  // The picture is saved with its title and legend.
  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    view.root.getByRole('button', { name: 'Save as PNG' }).click()
  ]);
  expect(saved.suggestedFilename()).toBe('demo-long-layer-0.png');
  const png = readFileSync(await saved.path());
  expect(png.subarray(1, 4).toString()).toBe('PNG');
  const canvas = (await view.heatmap.locator('canvas').boundingBox())!;
  // Big-endian width of the header: that of the canvas, with a margin.
  expect(png.readUInt32BE(16)).toBe(Math.round(canvas.width) + 20);

  // Below the last of the rows, a step opens the experts that share one.
  await expect(
    view.root.getByRole('button', { name: 'Fewer experts' })
  ).toBeHidden();
  await view.heatmap.focus();
  for (let i = 0; i < 4; i++) {
    await page.keyboard.press('Shift+ArrowDown');
  }
  await page.keyboard.press('ArrowDown');
  await view.root.getByRole('button', { name: 'Fewer experts' }).click();
});

test('two fingers zoom', async ({ page, tmpPath }) => {
  const view = await opened(page, tmpPath);
  const shown = view.root.locator('.moe-HeatmapTools-zoom > span');
  const before = await shown.textContent();
  const box = (await view.heatmap.locator('canvas').boundingBox())!;
  const touch = await page.context().newCDPSession(page.context().pages()[0]);
  const y = box.y + box.height / 2;
  const points = (gap: number) =>
    [-1, 1].map((side, id) => ({
      x: box.x + box.width / 2 + (side * gap) / 2,
      y,
      id
    }));
  await touch.send('Input.dispatchTouchEvent', {
    type: 'touchStart',
    touchPoints: points(400)
  });
  for (const gap of [300, 200, 100]) {
    await touch.send('Input.dispatchTouchEvent', {
      type: 'touchMove',
      touchPoints: points(gap)
    });
  }
  await touch.send('Input.dispatchTouchEvent', {
    type: 'touchEnd',
    touchPoints: []
  });
  await expect.poll(() => shown.textContent()).not.toBe(before);
});
