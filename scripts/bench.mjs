/**
 * `npm run bench`: runs every measurement and writes docs/performance.md. `npm run bench -- NAME` runs only the
 * files whose path contains NAME, and prints instead of writing, or with `--write` replaces their sections of the page;
 * `--no-setup` trusts that everything is built.
 *
 * A measurement is a file `kernel-bridge/bench/*.mjs`, or a Playwright spec below `ui-tests/bench/`. It prints one
 * line of JSON for each number: {"section", "name", "value", "unit", "detail"?}; other lines are for people.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { inRoot, tool } from './paths.mjs';
import { run } from './processes.mjs';
import { findBrowser } from './setup/browser.mjs';
import { orExplain, setUp } from './setup/index.mjs';
import { SetupError } from './setup/errors.mjs';
import { freePort, isolatedJupyter } from './suites/servers.mjs';

const SECONDS = 1800;
const PAGE = 'docs/performance.md';

const filesIn = (folder, ending) =>
  existsSync(inRoot(folder))
    ? readdirSync(inRoot(folder))
        .filter(name => name.endsWith(ending))
        .sort()
        .map(name => `${folder}/${name}`)
    : [];

/** Every file with the command that runs it. */
function measurements(wanted) {
  const inNode = filesIn('kernel-bridge/bench', '.mjs').map(file => ({
    file,
    command: async () => [[process.execPath, inRoot(file)], {}]
  }));
  const inBrowser = filesIn('ui-tests/bench', '.spec.ts').map(file => ({
    file,
    command: async () => [
      [
        process.execPath,
        tool('@playwright/test', 'playwright'),
        'test',
        '--config',
        'ui-tests/bench',
        '--reporter=line',
        file
      ],
      {
        ...isolatedJupyter(),
        CHROMIUM_PATH: await findBrowser(),
        MOE_UI_PORT: String(await freePort())
      }
    ]
  }));
  return [...inNode, ...inBrowser].filter(({ file }) =>
    wanted.every(name => file.includes(name))
  );
}

/** The number that a line states; undefined for a line for people. */
export function parse(line) {
  try {
    const row = JSON.parse(line);
    return row.section && row.name && row.value !== undefined ? row : undefined;
  } catch {
    return undefined;
  }
}

async function measure({ file, command }) {
  console.log(`\n=== ${file} ===`);
  const rows = [];
  const [program, env] = await command();
  const { error } = await run(program, {
    seconds: SECONDS,
    env,
    onLine: line => {
      const row = parse(line);
      if (row) {
        rows.push(row);
        console.log(`${row.section}, ${row.name}: ${shown(row)}`);
      } else {
        console.log(line);
      }
    }
  });
  if (error || rows.length === 0) {
    throw new SetupError(`${file} ${error ?? 'printed no number'}.`);
  }
  return rows;
}

const rounded = value =>
  typeof value === 'number' ? String(Number(value.toPrecision(3))) : value;
const shown = ({ value, unit, detail }) =>
  `${rounded(value)}${unit ? ` ${unit}` : ''}${detail ? ` (${detail})` : ''}`;

const machine = () =>
  `${os.cpus()[0]?.model.trim() ?? 'unknown processor'}, ${os.availableParallelism()} cores, ` +
  `${Math.round(os.totalmem() / 2 ** 30)} GB, ${os.type()} ${os.arch()}, Node ${process.versions.node}`;

/** @param kept sections that were not measured again, by their heading */
function page(rows, kept = new Map()) {
  const sections = new Map();
  for (const row of rows) {
    sections.set(row.section, [...(sections.get(row.section) ?? []), row]);
  }
  const cell = text => String(text ?? '').replaceAll('|', '\\|');
  const texts = new Map(kept);
  for (const [section, its] of sections) {
    texts.set(
      section,
      [
        `## ${section}`,
        '',
        '| what | value | unit | detail |',
        '| --- | ---: | --- | --- |',
        ...its.map(
          row =>
            `| ${[row.name, rounded(row.value), row.unit, row.detail].map(cell).join(' | ')} |`
        )
      ].join('\n')
    );
  }
  return `${[
    '# Performance',
    'Written by `npm run bench`; do not edit.',
    `Machine: ${machine()}.`,
    ...texts.values()
  ].join('\n\n')}\n`;
}

/** The sections that the page has, by their heading. */
function sectionsOf(text) {
  return new Map(
    text
      .split(/\n(?=## )/)
      .slice(1)
      .map(section => [/^## (.*)/.exec(section)[1], section.trim()])
  );
}

await orExplain(async () => {
  const given = process.argv.slice(2);
  const wanted = given.filter(argument => !argument.startsWith('--'));
  const chosen = measurements(wanted);
  if (chosen.length === 0) {
    console.log(
      wanted.length > 0
        ? `No measurement has "${wanted.join('" and "')}" in its path.`
        : 'There is nothing to measure yet: no kernel-bridge/bench/*.mjs and no ui-tests/bench/*.spec.ts.'
    );
    return;
  }
  if (!given.includes('--no-setup')) {
    await setUp();
  }
  const rows = [];
  for (const measurement of chosen) {
    rows.push(...(await measure(measurement)));
  }
  if (wanted.length === 0 || given.includes('--write')) {
    const before = inRoot(PAGE);
    const kept =
      wanted.length > 0 && existsSync(before)
        ? sectionsOf(readFileSync(before, 'utf8'))
        : undefined;
    writeFileSync(before, page(rows, kept));
    await run([process.execPath, tool('prettier'), '--write', PAGE]);
    console.log(`\nWrote ${PAGE}.`);
  }
});
