/**
 * `npm run bench`: runs every measurement, prints each number beside the last run's on this machine and its target, and
 * writes docs/performance.md. `npm run bench -- --only START` runs only the files that measure a section of that name, or
 * whose path contains it, and prints instead of writing, or with `--write` replaces their sections of the page;
 * `--no-setup` assumes that everything is built.
 *
 * A measurement is a file `kernel-bridge/bench/*.mjs`, or a Playwright spec below `ui-tests/bench/`. It prints one
 * line of JSON for each number (bench/compare.mjs lists its fields); other lines are for people.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { againstLast, againstTarget } from './bench/compare.mjs';
import * as lastRun from './bench/last-run.mjs';
import { detailOf, page, rounded, sectionsOf } from './bench/page.mjs';
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

/** Whether the file measures a section of that name, or its path contains it. */
function isWanted(file, name) {
  const wanted = name.toLowerCase();
  return (
    file.toLowerCase().includes(wanted) ||
    readFileSync(inRoot(file), 'utf8').toLowerCase().includes(`'${wanted}'`)
  );
}

/** The requested files, each with the command that runs it. */
function measurements(names) {
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
  const all = [...inNode, ...inBrowser];
  const unknown = names.filter(
    name => !all.some(({ file }) => isWanted(file, name))
  );
  if (unknown.length > 0) {
    throw new SetupError(
      `No measurement has "${unknown.join('" or "')}" as its section or in its path: the headings of ${PAGE} are its sections.`
    );
  }
  return all.filter(
    ({ file }) => names.length === 0 || names.some(name => isWanted(file, name))
  );
}

/** The number in a line of JSON; undefined for other lines. */
function parse(line) {
  try {
    const row = JSON.parse(line);
    return row.section && row.name && row.value !== undefined ? row : undefined;
  } catch {
    return undefined;
  }
}

async function measure({ file, command }, last) {
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
        console.log(told(row, lastRun.find(last, row)));
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

const withUnit = (value, unit) => `${rounded(value)}${unit ? ` ${unit}` : ''}`;

function percent(change) {
  const sign = change < 0 ? '' : '+';
  return `${sign}${(100 * change).toFixed(1)} %`;
}

/** A number with its details, on one line. */
function told(row, last) {
  const target = againstTarget(row);
  const before = againstLast(row, last);
  const parts = [
    before &&
      `last ${rounded(before.before)}${before.change === undefined ? '' : `, ${percent(before.change)}`}${before.worse ? ', WORSE beyond the noise' : ''}`,
    target && `target ${target.text}${target.met ? '' : ', MISSED'}`,
    detailOf(row)
  ].filter(Boolean);
  return `${row.section}, ${row.name}: ${withUnit(row.value, row.unit)}${parts.length > 0 ? ` (${parts.join('; ')})` : ''}`;
}

/** The summary at the end: missed targets and regressions. */
function summarise(rows, last) {
  const lists = [
    ['Targets missed', rows.filter(row => againstTarget(row)?.met === false)],
    [
      'Worse than the last run, beyond the noise of both',
      rows.filter(row => againstLast(row, lastRun.find(last, row))?.worse)
    ]
  ];
  for (const [title, found] of lists) {
    console.log(`\n${title}: ${found.length === 0 ? 'none' : ''}`);
    for (const row of found) {
      console.log(`- ${told(row, lastRun.find(last, row))}`);
    }
  }
}

const machine = () =>
  `${os.cpus()[0]?.model.trim() ?? 'unknown processor'}, ${os.availableParallelism()} cores, ` +
  `${Math.round(os.totalmem() / 2 ** 30)} GB, ${os.type()} ${os.arch()}, Node ${process.versions.node}`;

function chosen() {
  const { values, positionals } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [] },
      write: { type: 'boolean' },
      'no-setup': { type: 'boolean' }
    },
    allowPositionals: true
  });
  const names = [...values.only, ...positionals];
  return {
    names,
    write: values.write || names.length === 0,
    setup: !values['no-setup']
  };
}

await orExplain(async () => {
  const { names, write, setup } = chosen();
  const files = measurements(names);
  if (setup) {
    await setUp();
  }
  const last = lastRun.read(machine());
  const rows = [];
  const failures = [];
  for (const file of files) {
    try {
      const its = await measure(file, last);
      lastRun.keep(machine(), its);
      rows.push(...its);
    } catch (error) {
      if (!(error instanceof SetupError)) {
        throw error;
      }
      console.error(error.message);
      failures.push(error.message);
    }
  }
  summarise(rows, last);
  if (write && rows.length > 0) {
    const before = inRoot(PAGE);
    const kept =
      (names.length > 0 || failures.length > 0) && existsSync(before)
        ? sectionsOf(readFileSync(before, 'utf8'))
        : undefined;
    writeFileSync(before, page(rows, machine(), kept));
    await run([process.execPath, tool('prettier'), '--write', PAGE]);
    console.log(`\nWrote ${PAGE}.`);
  }
  if (failures.length > 0) {
    throw new SetupError(
      `Not measured, so that the page keeps their last numbers:\n- ${failures.join('\n- ')}`
    );
  }
});
