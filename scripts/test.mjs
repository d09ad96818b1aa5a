/**
 * `npm test`: sets up, runs every suite and sums up. The last line reads `N passed, N failed, N skipped`.
 * `npm test -- --only jest,pytest` runs some of them; `--no-setup` assumes that everything is built.
 */
import { parseArgs } from 'node:util';
import { orExplain, setUp } from './setup/index.mjs';
import { SetupError } from './setup/errors.mjs';
import { suites } from './suites/index.mjs';
import { count, printSummary } from './suites/results.mjs';

function chosen() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      'no-setup': { type: 'boolean' }
    }
  });
  const names = values.only?.flatMap(list => list.split(','));
  const unknown = names?.filter(
    name => !suites.some(suite => suite.name === name)
  );
  if (unknown?.length) {
    throw new SetupError(
      `There is no suite "${unknown.join(', ')}": choose from ${suites.map(suite => suite.name).join(', ')}.`
    );
  }
  return {
    setup: !values['no-setup'],
    suites: suites.filter(suite => names?.includes(suite.name) ?? true)
  };
}

async function runSuite(suite) {
  console.log(`\n=== ${suite.title} ===`);
  const begin = Date.now();
  let result;
  try {
    result = await suite.run();
    if (!suite.mayBeEmpty?.() && count(result) === 0) {
      result.failures.push({ name: suite.title, message: 'ran no test' });
    }
  } catch (error) {
    result = {
      passed: 0,
      failures: [
        {
          name: suite.title,
          message: error instanceof SetupError ? error.message : error.stack
        }
      ],
      skipped: []
    };
  }
  const seconds = Math.round((Date.now() - begin) / 1000);
  console.log(
    `--- ${suite.title}: ${result.passed} passed, ${result.failures.length} failed, ${result.skipped.length} skipped in ${seconds} s`
  );
  return result;
}

await orExplain(async () => {
  const plan = chosen();
  if (plan.setup) {
    await setUp();
  }
  const results = [];
  // One after the other: kernels and a browser need the whole machine.
  for (const suite of plan.suites) {
    results.push(await runSuite(suite));
  }
  process.exitCode = printSummary(results) ? 0 : 1;
});
