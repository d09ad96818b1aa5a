/**
 * `npm run pictures`: runs notebooks/quickstart.ipynb in JupyterLab and takes its screenshots for the README, in the light and the
 * dark theme. It works on a copy of the notebook: only docs/images changes in the clone.
 */
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { inRoot, venvPython } from './paths.mjs';
import { run } from './processes.mjs';
import { findBrowser } from './setup/browser.mjs';
import { orExplain, setUp } from './setup/index.mjs';
import { freePort, isolatedJupyter } from './suites/servers.mjs';

const SIZE = { width: 1280, height: 800 };
const THEMES = { light: 'JupyterLab Light', dark: 'JupyterLab Dark' };
const MILLISECONDS = 60_000;

async function answers(url) {
  const end = Date.now() + MILLISECONDS;
  while (Date.now() < end) {
    try {
      if ((await fetch(url)).ok) {
        return;
      }
    } catch {
      // Not listening yet.
    }
    await new Promise(resolve => setTimeout(resolve, 200));
  }
  throw new Error(`JupyterLab does not answer at ${url}`);
}

async function takePicture(page, file) {
  const problems = await page.evaluate(async () => {
    const { commands, shell } = window.jupyterapp;
    const { sessionContext } = shell.currentWidget;
    // Cells that run before the kernel is ready open a dialog to select one.
    await sessionContext.ready;
    await sessionContext.session.kernel.info;
    await commands.execute('notebook:run-all-cells');
    return document.querySelectorAll(
      '.jp-OutputArea-output[data-mime-type*=stderr]'
    ).length;
  });
  if (problems > 0) {
    throw new Error(
      'The notebook does not run: see npm test -- --only notebooks'
    );
  }
  const view = page.locator('.jp-Notebook .moe-RoutingView').first();
  await view.scrollIntoViewIfNeeded();
  await page.locator('.jp-Notebook [data-moe-drawn]').first().waitFor();
  await page.screenshot({ path: file });
}

async function session(browser, base, theme, file) {
  const context = await browser.newContext({
    viewport: SIZE,
    deviceScaleFactor: 1.5
  });
  const page = await context.newPage();
  page.setDefaultTimeout(MILLISECONDS);
  await page.goto(`${base}/lab/tree/notebooks/quickstart.ipynb?reset`);
  await page.waitForFunction(() => window.jupyterapp?.restored !== undefined);
  await page.evaluate(() => window.jupyterapp.restored);
  await page.locator('.jp-Notebook').first().waitFor();
  await page.evaluate(async name => {
    const { commands } = window.jupyterapp;
    await commands.execute('apputils:change-theme', { theme: name });
    if (document.querySelector('#jp-left-stack:not(.lm-mod-hidden)')) {
      await commands.execute('application:toggle-left-area');
    }
  }, THEMES[theme]);
  await takePicture(page, file);
  await context.close();
}

await orExplain(async () => {
  if (!process.argv.includes('--no-setup')) {
    await setUp();
  }
  const { chromium } = createRequire(inRoot('package.json'))(
    '@playwright/test'
  );
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const stopped = new AbortController();
  const server = run(
    [
      venvPython,
      '-m',
      'jupyter',
      'lab',
      '--config',
      inRoot('ui-tests', 'jupyter_server_test_config.py')
    ],
    {
      cwd: inRoot('ui-tests'),
      env: { ...isolatedJupyter(), MOE_UI_PORT: String(port) },
      until: stopped.signal
    }
  );
  const browser = await chromium.launch({
    executablePath: await findBrowser(),
    args: ['--no-sandbox', '--disable-gpu']
  });
  try {
    await answers(`${base}/lab`);
    const folder = inRoot('docs', 'images');
    mkdirSync(folder, { recursive: true });
    for (const theme of Object.keys(THEMES)) {
      const file = path.join(folder, `quickstart-${theme}.png`);
      await session(browser, base, theme, file);
      console.log(`Wrote ${path.relative(inRoot(), file)}`);
    }
  } finally {
    await browser.close();
    stopped.abort();
    await server;
  }
});
