/**
 * `npm run test:mutation`: changes one place of the code at a time, and counts which changes the tests notice.
 * Writes the counts, and the changes that nothing noticed, to docs/testing.md.
 *
 *     npm run test:mutation -- onnx routing   # some folders; the page keeps the others' last results of this clone
 *     npm run test:mutation -- --each 50      # mutants of each folder and seed
 *     npm run test:mutation -- --seeds 3,4    # other samples
 *     npm run test:mutation -- --again        # only what was not noticed last time, after a test was added
 *     npm run test:mutation -- --others 0     # only the tests of the changed folder: faster
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { spawnSync } from 'node:child_process';
import { Judge } from './mutation/judge.mjs';
import { mutantsOf } from './mutation/mutants.mjs';
import { mutationSection, oneLine } from './mutation/page.mjs';
import { drawMutants, identity } from './mutation/sample.mjs';
import { importers, isSpec, sourceFiles, specsOf } from './mutation/specs.mjs';
import { withSection } from './page-section.mjs';
import { cache, inRoot, tool } from './paths.mjs';
import { endWithNpm } from './processes.mjs';

/** Where a wrong line does most harm: what is read from files and sent, and every number that is shown. */
const FOLDERS = [
  'onnx',
  'files/import',
  'measures',
  'base/protocol',
  'run/edits',
  'routing'
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    each: { type: 'string', default: '15' },
    seeds: { type: 'string', default: '1,2' },
    others: { type: 'string', default: '10' },
    again: { type: 'boolean', default: false },
    'at-once': { type: 'string', default: '2' }
  }
});
const unknown = positionals.filter(name => !FOLDERS.includes(name));
if (unknown.length > 0) {
  console.error(
    `There is no folder "${unknown.join(', ')}": choose from ${FOLDERS.join(', ')}.`
  );
  process.exit(2);
}
endWithNpm();

const each = Number(values.each);
const seeds = values.seeds.split(',').map(Number);
const results = path.join(cache, 'mutation', 'results.json');
const equivalent = JSON.parse(
  readFileSync(inRoot('scripts', 'mutation', 'equivalent.json'), 'utf8')
);

/** Runs `work` for all, some at once. */
async function inParallel(all, atOnce, work) {
  const left = [...all];
  const worker = async () => {
    for (let next = left.shift(); next; next = left.shift()) {
      await work(next);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

async function tryFolder(name) {
  const folder = `kernel-bridge/src/${name}`;
  const files = sourceFiles([folder]).filter(file => !isSpec(file));
  const mutants = (await Promise.all(files.map(mutantsOf))).flat();
  const samples = seeds.map(seed => ({
    seed,
    mutants: drawMutants(mutants, each, seed)
  }));
  const drawn = [...new Set(samples.flatMap(sample => sample.mutants))];
  console.log(`\n${name}: ${drawn.length} of ${mutants.length} mutants`);
  const byFile = importers();
  const judge = new Judge(Number(values.others));
  const verdicts = new Map();
  const noticed = values.again ? noticedBefore(name) : new Map();
  await inParallel(drawn, Number(values['at-once']), async mutant => {
    const verdict =
      noticed.get(placeOf(mutant)) ??
      (await judge.judge(mutant, specsOf(mutant.file, byFile), folder));
    verdicts.set(mutant, verdict);
    const { file, line, original, replacement } = mutant;
    console.log(
      `${verdict.by ?? 'SURVIVED'}\t${file}:${line}\t${oneLine(original)} -> ${oneLine(replacement)}`
    );
  });
  return samples.map(sample => ({
    folder: name,
    seed: sample.seed,
    of: mutants.length,
    others: Number(values.others),
    mutants: sample.mutants.map(mutant => ({
      ...mutant,
      ...verdicts.get(mutant),
      reason: reasonOf(mutant)
    }))
  }));
}

/** Equal changes of a file are told apart by their lines; one whose line has moved is tried anew. */
const placeOf = mutant => `${identity(mutant)}\n${mutant.line}`;

/** What noticed which mutants of a folder, when they were tried last. */
function noticedBefore(name) {
  return new Map(
    readResults()
      .filter(({ folder }) => folder === name)
      .flatMap(({ mutants }) => mutants)
      .filter(({ by }) => by)
      .map(({ by, late, spec, ...mutant }) => [
        placeOf(mutant),
        { by, late, spec }
      ])
  );
}

/** Why a change makes no difference that a test could see, where somebody has found that out. */
function reasonOf({ file, original, replacement }) {
  return equivalent.find(
    known =>
      file === `kernel-bridge/src/${known.file}` &&
      original === known.original &&
      replacement === known.replacement
  )?.reason;
}

function readResults() {
  try {
    return JSON.parse(readFileSync(results, 'utf8'));
  } catch {
    return [];
  }
}

mkdirSync(path.dirname(results), { recursive: true });
for (const name of positionals.length > 0 ? positionals : FOLDERS) {
  const fresh = await tryFolder(name);
  const kept = readResults().filter(
    ({ folder, seed }) => folder !== name || !seeds.includes(seed)
  );
  writeFileSync(results, JSON.stringify([...kept, ...fresh], null, 2));
}

const all = readResults().sort(
  (a, b) =>
    FOLDERS.indexOf(a.folder) - FOLDERS.indexOf(b.folder) || a.seed - b.seed
);
if (FOLDERS.every(name => all.some(({ folder }) => folder === name))) {
  const page = inRoot('docs', 'testing.md');
  writeFileSync(
    page,
    withSection(
      readFileSync(page, 'utf8'),
      'npm run test:mutation',
      mutationSection(all)
    )
  );
  spawnSync(process.execPath, [tool('prettier'), '--write', page], {
    stdio: 'inherit'
  });
} else {
  console.log('\nThe page is written once all folders were tried.');
}
