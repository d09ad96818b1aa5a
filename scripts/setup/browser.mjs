/** The browser of the UI tests: found, or installed. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { inRoot, tool } from '../paths.mjs';
import { run } from '../processes.mjs';
import { SetupError } from './errors.mjs';
import { Progress } from './progress.mjs';

const NAMES = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  'chrome.exe',
  'msedge.exe'
];
const PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe'
];

/** An existing file may miss a library, or be a stub that only says how to install the browser. */
async function works(browser) {
  if (!browser || !existsSync(browser)) {
    return false;
  }
  if (process.platform === 'win32') {
    return true;
  }
  const { error } = await run([browser, '--version'], { seconds: 60 });
  return !error;
}

function onPath() {
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  return NAMES.flatMap(name => folders.map(folder => path.join(folder, name)));
}

function playwrightsOwn() {
  const { chromium } = createRequire(inRoot('package.json'))(
    '@playwright/test'
  );
  return chromium.executablePath();
}

async function firstThatWorks(browsers) {
  for (const browser of browsers) {
    if (await works(browser)) {
      return browser;
    }
  }
  return undefined;
}

const known = () => [...onPath(), ...PLACES, playwrightsOwn()];

/** Ways to install a browser here, in order. */
const INSTALLERS = [
  {
    title: 'Downloading a browser with Playwright',
    applies: () => true,
    commands: () => [
      [
        process.execPath,
        tool('@playwright/test', 'playwright'),
        'install',
        '--no-shell',
        'chromium'
      ]
    ],
    seconds: 300
  },
  {
    title: 'Installing Chromium with apt-get',
    applies: () => process.getuid?.() === 0 && existsSync('/usr/bin/apt-get'),
    commands: () => [
      ['apt-get', 'update'],
      ['apt-get', 'install', '-y', '--no-install-recommends', 'chromium']
    ],
    seconds: 600
  }
];

/** The path of a browser that starts. @throws SetupError that says how to get one */
export async function findBrowser() {
  const wanted = process.env.CHROMIUM_PATH;
  if (wanted) {
    if (await works(wanted)) {
      return wanted;
    }
    throw new SetupError(
      `CHROMIUM_PATH names ${wanted}, which does not start: let it name a Chromium or Chrome, or unset it.`
    );
  }
  const found = await firstThatWorks(known());
  if (found) {
    return found;
  }
  for (const installer of INSTALLERS) {
    if (installer.applies() && (await install(installer))) {
      const browser = await firstThatWorks(known());
      if (browser) {
        return browser;
      }
    }
  }
  throw new SetupError(
    'There is no browser for the UI tests and none could be installed: install Chromium ' +
      '(on Debian: apt-get install chromium) or let CHROMIUM_PATH name one, and run the command again.'
  );
}

async function install({ title, commands, seconds }) {
  const progress = new Progress(title);
  for (const command of commands()) {
    const { error } = await run(command, {
      seconds,
      onLine: line => progress.line(line),
      env: { DEBIAN_FRONTEND: 'noninteractive' }
    });
    if (error) {
      progress.failed();
      return false;
    }
  }
  progress.done();
  return true;
}
