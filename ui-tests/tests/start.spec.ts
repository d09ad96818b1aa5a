import { expect, test } from '@jupyterlab/galata';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { notebookWith, viewBundle, viewDocument } from '../fixtures/notebooks';
import { openWithoutKernel } from '../fixtures/open-notebook';
import { truth } from '../fixtures/truth';

const STATIC = join(
  __dirname,
  '../../jupyterlab_moe_debugger/labextension/static'
);
/** A function name that only vega contains. */
const MARK = 'vega-bindings';

/** Built files that contain vega. */
function vegaChunks(): string[] {
  return readdirSync(STATIC).filter(
    name =>
      name.endsWith('.js') &&
      readFileSync(join(STATIC, name), 'utf8').includes(MARK)
  );
}

test('JupyterLab starts, and draws a heatmap, without vega', async ({
  page,
  tmpPath
}) => {
  const chunks = vegaChunks();
  expect(chunks.length).toBeGreaterThan(0);
  expect(chunks.filter(name => name.startsWith('remoteEntry'))).toEqual([]);
  const loaded = () =>
    page.evaluate(() =>
      performance
        .getEntriesByType('resource')
        .map(entry => entry.name.split('?')[0].split('/').pop()!)
    );
  // Reload with a normal session.
  await page.reload();
  await page.evaluate(() => window.jupyterapp.restored);
  const atStart = await loaded();
  expect(atStart.some(name => name.startsWith('remoteEntry'))).toBe(true);
  expect(atStart.filter(name => chunks.includes(name))).toEqual([]);

  await openWithoutKernel(
    page,
    `${tmpPath}/stored.ipynb`,
    notebookWith(viewBundle(viewDocument([truth(0)])))
  );
  await expect(page.locator('.moe-RoutingView')).toHaveAttribute(
    'data-moe-drawn',
    '0/weight'
  );
  // A heatmap is no chart.
  expect((await loaded()).filter(name => chunks.includes(name))).toEqual([]);
});
