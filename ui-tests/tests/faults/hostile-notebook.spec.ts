/**
 * Notebooks with outputs of our MIME type that strangers wrote. Each output is drawn or says why not; nothing in it runs
 * or is fetched, and the page goes on.
 */
import { expect, test } from '@jupyterlab/galata';
import type { Page } from '@playwright/test';
import { randomNumbers } from '../../../kernel-bridge/test/graph-builder';
import { recordFault, tries } from '../../../kernel-bridge/test/faults/scale';
import { SOUND, hostileDocument } from '../../fixtures/hostile-documents';
import { notebookWith, viewBundle } from '../../fixtures/notebooks';
import { closeNotebook, openWithoutKernel } from '../../fixtures/open-notebook';
import { longestGap, watchGaps } from '../../fixtures/responsiveness';

const SEED = 20261201;
const NOTEBOOKS = tries(1, 10);
const OUTPUTS = 30;
/** For long texts on a machine with other work; a text that a browser cannot shape takes a minute. */
const MOST_MILLISECONDS = 15_000;

test.setTimeout(60_000 + NOTEBOOKS * 60_000);

/** By output: 'drawn', 'refused' with a reason, or what else it is. */
async function outcomes(page: Page, outputs: number): Promise<string[]> {
  const found: string[] = [];
  const cells = page.locator('.jp-CodeCell');
  for (let i = 0; i < outputs; i++) {
    await cells.nth(i).scrollIntoViewIfNeeded();
    const output = cells.nth(i).locator('.moe-RoutingRenderer');
    const shown = output.locator(
      '.moe-ErrorBox, .moe-RoutingView, .moe-ToolFrame'
    );
    await expect(shown.first(), `output ${i}`).toBeAttached();
    found.push(
      await output.evaluate(node => {
        const box = node.querySelector('.moe-ErrorBox');
        const text = node.textContent?.trim() ?? '';
        return box
          ? (box.textContent?.length ?? 0) > 40
            ? 'refused'
            : `refused without a reason: ${text.slice(0, 200)}`
          : node.scrollHeight > 0
            ? 'drawn'
            : 'empty';
      })
    );
  }
  return found;
}

test(`${NOTEBOOKS * OUTPUTS} hostile outputs run nothing and stop nothing`, async ({
  page,
  tmpPath,
  baseURL
}) => {
  const random = randomNumbers(SEED);
  const foreign: string[] = [];
  const errors: string[] = [];
  page.on('request', request => {
    const url = request.url();
    if (!url.startsWith(baseURL!) && !/^(data|blob):/.test(url)) {
      foreign.push(url);
    }
  });
  page.on('pageerror', error => errors.push(error.message));
  // Otherwise all are refused for another reason than the one that is tried.
  await openWithoutKernel(
    page,
    `${tmpPath}/sound.ipynb`,
    notebookWith(...SOUND.map(([, document]) => viewBundle(document)))
  );
  expect(await outcomes(page, SOUND.length)).toEqual(SOUND.map(() => 'drawn'));
  await closeNotebook(page);
  const count = { drawn: 0, refused: 0 };
  let longest = 0;
  for (let notebook = 0; notebook < NOTEBOOKS; notebook++) {
    const documents = Array.from({ length: OUTPUTS }, () =>
      hostileDocument(random)
    );
    await watchGaps(page);
    await openWithoutKernel(
      page,
      `${tmpPath}/hostile-${notebook}.ipynb`,
      notebookWith(...documents.map(({ document }) => viewBundle(document)))
    );
    const shown = await outcomes(page, OUTPUTS);
    longest = Math.max(longest, await longestGap(page));
    const odd = shown.flatMap((outcome, i) =>
      outcome === 'drawn' || outcome === 'refused'
        ? []
        : [`${documents[i].how}: ${outcome}`]
    );
    expect(odd).toEqual([]);
    count.drawn += shown.filter(outcome => outcome === 'drawn').length;
    count.refused += shown.filter(outcome => outcome === 'refused').length;
    expect(await page.evaluate(() => 'hacked' in window)).toBe(false);
    await closeNotebook(page);
  }
  console.log(
    `${count.drawn} drawn, ${count.refused} refused; no timer ran for ${longest} ms at most`
  );
  expect(count.drawn + count.refused).toBe(NOTEBOOKS * OUTPUTS);
  expect(Math.min(count.drawn, count.refused)).toBeGreaterThan(0);
  expect(foreign).toEqual([]);
  expect(errors).toEqual([]);
  expect(longest).toBeLessThan(MOST_MILLISECONDS);
  recordFault(
    'hostile notebooks in a browser',
    `${NOTEBOOKS * OUTPUTS} outputs in ${NOTEBOOKS} notebooks: markup, texts of 100,000 characters, bidi controls, huge numbers, deep nesting, other versions, missing and repeated parts`,
    `${count.drawn} drawn, ${count.refused} refused with the reason in their cell; nothing ran, nothing was fetched, and the page answered within ${MOST_MILLISECONDS / 1000} s throughout`
  );
});
