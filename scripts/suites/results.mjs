/**
 * The result of a suite: `{passed, failures: [{name, message}], skipped: [{name, reason}]}`.
 */
export const nothing = () => ({ passed: 0, failures: [], skipped: [] });

export const count = ({ passed, failures, skipped }) =>
  passed + failures.length + skipped.length;

/**
 * A runner that fails without naming a failed test has crashed: this counts as one failure.
 */
export function withCrash(result, error, title) {
  if (error && result.failures.length === 0) {
    result.failures.push({ name: title, message: `the runner ${error}` });
  }
  return result;
}

/** Prints failures, skips and the last line; returns whether all passed. */
export function printSummary(results) {
  const failures = results.flatMap(result => result.failures);
  const skipped = results.flatMap(result => result.skipped);
  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  if (failures.length > 0) {
    console.log('\nFailed:');
    for (const { name, message } of failures) {
      console.log(`- ${name}\n${indent(message)}`);
    }
  }
  if (skipped.length > 0) {
    console.log('\nSkipped:');
    for (const { name, reason } of skipped) {
      console.log(`- ${name}: ${reason}`);
    }
  }
  console.log(
    `\n${passed} passed, ${failures.length} failed, ${skipped.length} skipped`
  );
  return failures.length === 0;
}

const LINES_SHOWN = 12;
const COLOURS = /\x1b\[[0-9;]*m/g;

function indent(message) {
  const lines = String(message).replace(COLOURS, '').trim().split('\n');
  return lines
    .slice(0, LINES_SHOWN)
    .map(line => `    ${line}`)
    .join('\n');
}
