/**
 * A generation's step -> the frame that shows its token, in the side panel and in a session's explorer. Prints one line of
 * JSON per number, for `npm run bench`; alone: `npx playwright test -c ui-tests/bench live`.
 */
import { expect, test } from '@jupyterlab/galata';
import { KERNEL_NAME } from 'moe-debugger/protocol';
import {
  drawnSoFar,
  latencies,
  quantile,
  watchDrawn,
  type IStep
} from '../fixtures/live-latency';
import { emptyNotebook } from '../fixtures/notebooks';
import { openNotebook } from '../fixtures/open-notebook';
import { PanelPage } from '../fixtures/panel-page';

test.use({ kernels: null, sessions: null });
test.afterEach(({ page }) =>
  page.evaluate(() => window.jupyterapp.serviceManager.sessions.shutdownAll())
);

const TOKENS = 120;
/** Before the page has loaded what draws. */
const WARM_UP = 'const first = await session.generate([1, 2, 3]);';

/** @param pause milliseconds between tokens */
function write(pause: number): string {
  const onToken =
    pause > 0
      ? `, onToken: () => new Promise<void>(done => setTimeout(done, ${pause}))`
      : '';
  return `const written = await session.generate('def fib(n):', { maxNewTokens: ${TOKENS}${onToken} });
JSON.stringify(written.trace.steps.get('0'))`;
}

for (const { where, cell, part } of [
  { where: 'side panel', cell: '', part: '.moe-Panel' },
  { where: 'explorer in a cell', cell: 'session.explorer()', part: '.jp-Cell' }
]) {
  for (const { speed, pause } of [
    { speed: 'a token each 40 ms', pause: 40 },
    { speed: 'as fast as the model', pause: 0 }
  ]) {
    test(`${where}, ${speed}`, async ({ page, tmpPath }) => {
      test.setTimeout(180_000);
      await openNotebook(
        page,
        `${tmpPath}/bench.ipynb`,
        emptyNotebook(KERNEL_NAME, [
          "import { loadModel } from 'moe-debugger';\n" +
            "const model = await loadModel('../models/demo');\n" +
            'const session = model.session();',
          `${WARM_UP}${cell && `\n${cell}`}`,
          write(pause)
        ])
      );
      const panel = new PanelPage(page);
      if (cell === '') {
        await panel.open();
      }
      await page.notebook.runCell(0);
      await page.notebook.runCell(1);
      await expect(page.locator(`${part} .moe-RoutingView`)).toHaveAttribute(
        'data-moe-tokens',
        '35'
      );
      await watchDrawn(page, part);
      await page.notebook.runCell(2);
      const output = page
        .locator('.jp-Cell')
        .nth(2)
        .locator('[data-mime-type="text/plain"] pre');
      const steps = JSON.parse(await output.innerText()) as IStep[];
      await expect
        .poll(async () => (await drawnSoFar(page)).at(-1)?.tokens)
        .toBe(6 + TOKENS);
      const late = latencies(await drawnSoFar(page), steps);
      expect(late).toHaveLength(TOKENS);
      const decode = steps.filter(({ phase }) => phase === 'decode');
      const each = quantile(
        decode.map(({ milliseconds }) => milliseconds),
        0.5
      );
      const detail = `demo model, ${TOKENS} tokens, median step ${each.toFixed(1)} ms`;
      for (const [name, share] of [
        ['median', 0.5],
        ['95th percentile', 0.95]
      ] as const) {
        console.log(
          JSON.stringify({
            section: 'Live: step of a generation to the frame that shows it',
            name: `${where}, ${speed}, ${name}`,
            value: Number(quantile(late, share).toFixed(1)),
            unit: 'ms',
            detail,
            ...(share === 0.95 ? { target: { atMost: 100 } } : {})
          })
        );
      }
    });
  }
}
