/** The tests in a real browser. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { inRoot, tool } from '../paths.mjs';
import { run } from '../processes.mjs';
import { findBrowser } from '../setup/browser.mjs';
import { readReport, reportPath } from './reports.mjs';
import { nothing, withCrash } from './results.mjs';
import { freePort, isolatedJupyter } from './servers.mjs';

const SECONDS = 1800;

export const galata = {
  name: 'galata',
  title: 'JupyterLab in a browser (Galata)',
  async run() {
    if (!existsSync(inRoot('ui-tests'))) {
      return nothing();
    }
    const browser = await findBrowser();
    console.log(`Browser: ${browser}`);
    const file = reportPath('galata.json');
    const { error } = await run(
      [
        process.execPath,
        tool('@playwright/test', 'playwright'),
        'test',
        '--config',
        'ui-tests',
        '--reporter=list,json'
      ],
      {
        seconds: SECONDS,
        show: true,
        env: {
          ...isolatedJupyter(),
          CHROMIUM_PATH: browser,
          MOE_UI_PORT: String(await freePort()),
          PLAYWRIGHT_JSON_OUTPUT_NAME: file
        }
      }
    );
    return withCrash(read(readReport(file)), error, this.title);
  }
};

function read(text) {
  const result = nothing();
  if (!text) {
    return result;
  }
  const report = JSON.parse(text);
  for (const error of report.errors) {
    result.failures.push({ name: 'Playwright', message: error.message });
  }
  for (const [name, { status, results, annotations }] of tests(report.suites)) {
    if (status === 'skipped') {
      const reason = annotations.find(({ type }) =>
        ['skip', 'fixme'].includes(type)
      );
      result.skipped.push({
        name,
        reason: reason?.description ?? 'marked skipped'
      });
    } else if (status === 'unexpected') {
      const message = results.at(-1)?.error?.message ?? 'failed';
      result.failures.push({ name, message });
    } else {
      // Passed at once, or after a retry, which the list above shows.
      result.passed++;
    }
  }
  return result;
}

function* tests(suites, above = []) {
  for (const suite of suites ?? []) {
    const titles = [...above, suite.title];
    for (const spec of suite.specs ?? []) {
      for (const test of spec.tests) {
        yield [[...titles, spec.title].map(shorten).join(' > '), test];
      }
    }
    yield* tests(suite.suites, titles);
  }
}

const shorten = title => title.split(path.sep).at(-1);
