/** One run of specs of the Node package, with a mutant or without. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { cache, inRoot, tool } from '../paths.mjs';
import { run } from '../processes.mjs';

const folder = path.join(cache, 'mutation');
const CONFIG = inRoot('scripts', 'mutation', 'jest.config.cjs');

let runs = 0;

/**
 * Each run is a process of its own, since a mutant may loop for ever or damage what others share.
 * @param {string[]} specs relative to the root, in the order in which they run; without a mutant all of them run, with
 *   one the first that fails ends it
 * @param {{mutant?: import('./mutants.mjs').Mutant, seconds?: number}} options
 * @returns {Promise<{late: boolean, failed: string[], seconds: Map<string, number>}>} `seconds` of each spec that ended
 */
export async function runSpecs(specs, { mutant, seconds } = {}) {
  mkdirSync(folder, { recursive: true });
  const report = path.join(folder, `${process.pid}-${runs++}.json`);
  const paths = specs.map(spec => inRoot(spec));
  const { late, error, lines } = await run(
    [
      process.execPath,
      tool('jest'),
      `--config=${CONFIG}`,
      '--runInBand',
      '--silent',
      '--json',
      `--outputFile=${report}`,
      ...(mutant ? ['--bail'] : []),
      '--runTestsByPath',
      ...paths
    ],
    {
      cwd: inRoot('kernel-bridge'),
      seconds,
      env: {
        MOE_DEBUGGER_SPECS: JSON.stringify(paths),
        ...(mutant && {
          MOE_DEBUGGER_MUTANT: JSON.stringify({
            ...mutant,
            url: pathToFileURL(inRoot(mutant.file)).href
          })
        })
      }
    }
  );
  if (late) {
    return { late, failed: [], seconds: new Map() };
  }
  const results = readResults(report);
  if (!results) {
    // A mutant that takes jest itself down was noticed, by the spec that ran.
    if (mutant) {
      return { late, failed: [specs[0]], seconds: new Map() };
    }
    throw new Error(`jest ${error}:\n${lines.slice(-20).join('\n')}`);
  }
  const inOrder = results.map(result => ({
    ...result,
    spec: specs[paths.indexOf(result.name)]
  }));
  return {
    late,
    failed: inOrder
      .filter(({ status }) => status === 'failed')
      .map(({ spec }) => spec),
    seconds: new Map(
      inOrder.map(({ spec, startTime, endTime }) => [
        spec,
        (endTime - startTime) / 1000
      ])
    )
  };
}

function readResults(report) {
  try {
    return JSON.parse(readFileSync(report, 'utf8')).testResults;
  } catch {
    return undefined;
  } finally {
    rmSync(report, { force: true });
  }
}
