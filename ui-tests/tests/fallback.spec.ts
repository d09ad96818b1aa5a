import { expect, test } from '@jupyterlab/galata';
import { routingFallbackSpec } from 'moe-debugger/charts';
import { VEGALITE_MIME_TYPE } from 'moe-debugger/protocol';
import { notebookWith } from '../fixtures/notebooks';
import { openWithoutKernel } from '../fixtures/open-notebook';
import { truth } from '../fixtures/truth';

test("JupyterLab's own Vega-Lite 5 draws the fallback with its slider", async ({
  page,
  tmpPath
}) => {
  const errors: string[] = [];
  page.on('console', message => {
    if (/vega|scale|expression/i.test(message.text())) {
      errors.push(message.text());
    }
  });
  const spec = routingFallbackSpec(truth(0), { model: 'demo' });
  await openWithoutKernel(
    page,
    `${tmpPath}/fallback.ipynb`,
    notebookWith({ [VEGALITE_MIME_TYPE]: spec, 'text/plain': 'RoutingTrace' })
  );
  const output = page.locator('.jp-RenderedVegaCommon5');
  await expect(output.locator('canvas')).toBeVisible();
  const slider = output.locator('input[type=range]');
  await expect(slider).toHaveAttribute('max', '5');
  const picture = () =>
    output
      .locator('canvas')
      .evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());
  const before = await picture();
  await slider.fill('4');
  await expect.poll(picture).not.toBe(before);
  expect(errors).toEqual([]);
});
