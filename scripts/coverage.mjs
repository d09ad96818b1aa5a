/**
 * `npm run test:coverage`: which lines the tests of both packages run, by folder, to docs/testing.md.
 *
 *     npm run test:coverage -- page kernel/onnx   # some parts; the others' last results of this clone are kept
 */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync
} from 'node:fs';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { coveredLines } from './coverage/lines.mjs';
import { coverageSection } from './coverage/page.mjs';
import { withSection } from './page-section.mjs';
import { cache, inRoot, root, tool } from './paths.mjs';
import { endWithNpm, run } from './processes.mjs';

const reports = path.join(cache, 'coverage');

/** Parts small enough for one process each: it holds what its specs loaded until it ends. */
function parts() {
  const kernel = inRoot('kernel-bridge');
  const specs = ['src', 'test'].flatMap(folder =>
    readdirSync(path.join(kernel, folder), { recursive: true })
      .filter(name => name.endsWith('.spec.ts'))
      .map(name => `${folder}/${name.split(path.sep).join('/')}`)
  );
  const byPart = new Map();
  for (const spec of specs) {
    const [folder, name] = spec.split('/');
    const part = folder === 'src' ? `kernel/${name}` : `kernel/test-${name[0]}`;
    byPart.set(part, [...(byPart.get(part) ?? []), spec]);
  }
  return new Map([
    ['page', []],
    ...[...byPart].sort(([a], [b]) => (a < b ? -1 : 1))
  ]);
}

const SOURCES = [
  '--collectCoverageFrom=src/**/*.{ts,tsx}',
  '--collectCoverageFrom=!**/*.spec.{ts,tsx}',
  '--collectCoverageFrom=!src/testing/**'
];

/** @returns whether all tests passed */
async function measure(part, specs) {
  const folder = path.join(reports, part);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const page = part === 'page';
  const { error } = await run(
    [
      process.execPath,
      tool('jest'),
      '--coverage',
      ...SOURCES,
      '--coverageReporters=json',
      `--coverageDirectory=${path.join(folder, 'jest')}`,
      '--runInBand',
      ...(page
        ? []
        : [
            `--config=${inRoot('scripts', 'coverage', 'jest.config.cjs')}`,
            '--runTestsByPath',
            ...specs
          ])
    ],
    {
      cwd: page ? root : inRoot('kernel-bridge'),
      show: true,
      env: { MOE_DEBUGGER_COVERAGE: path.join(folder, 'node') }
    }
  );
  if (!page && !error) {
    await remap(folder);
  }
  if (error) {
    rmSync(folder, { recursive: true, force: true });
    console.error(`${part}: ${error}`);
  }
  return !error;
}

/** From the compiled files back to the sources; Node's own reports are large, and go. */
async function remap(folder) {
  const raw = path.join(folder, 'node');
  if (existsSync(raw)) {
    await run(
      [
        process.execPath,
        tool('c8'),
        'report',
        `--temp-directory=${raw}`,
        `--reports-dir=${path.join(folder, 'outside')}`,
        '--reporter=json',
        '--exclude-after-remap',
        '--include=kernel-bridge/src/**'
      ],
      { show: true }
    );
    rmSync(raw, { recursive: true, force: true });
  }
}

function readReport(part, kind) {
  const file = path.join(reports, part, kind, 'coverage-final.json');
  return existsSync(file) ? [JSON.parse(readFileSync(file, 'utf8'))] : [];
}

endWithNpm();
const all = parts();
const named = process.argv.slice(2);
const unknown = named.filter(name => !all.has(name));
if (unknown.length > 0) {
  console.error(
    `There is no part "${unknown.join(', ')}": choose from ${[...all.keys()].join(', ')}.`
  );
  process.exit(2);
}
let passed = true;
for (const part of named.length > 0 ? named : all.keys()) {
  passed = (await measure(part, all.get(part))) && passed;
}

const missing = [...all.keys()].filter(
  part => readReport(part, 'jest').length === 0
);
if (missing.length > 0) {
  console.log(`The page is not written: ${missing.join(', ')} not measured.`);
} else {
  const lines = coveredLines(
    [...all.keys()].flatMap(part => readReport(part, 'jest')),
    [...all.keys()].flatMap(part => readReport(part, 'outside'))
  );
  const relative = new Map(
    [...lines].map(([file, own]) => [
      path.relative(root, file).split(path.sep).join('/'),
      own
    ])
  );
  // For whoever wants to know which lines: the page has only folders.
  writeFileSync(
    path.join(reports, 'missed.json'),
    JSON.stringify(Object.fromEntries(relative), null, 1)
  );
  const page = inRoot('docs', 'testing.md');
  writeFileSync(
    page,
    withSection(
      readFileSync(page, 'utf8'),
      'npm run test:coverage',
      coverageSection(relative)
    )
  );
  spawnSync(process.execPath, [tool('prettier'), '--write', page], {
    stdio: 'inherit'
  });
}
process.exitCode = passed ? 0 : 1;
