/** The two jest suites: the extension's, in a simulated page, and the Node package's. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { inRoot, tool } from '../paths.mjs';
import { run } from '../processes.mjs';
import { readReport, reportPath } from './reports.mjs';
import { nothing, withCrash } from './results.mjs';

/** A machine with two slow cores takes half of it. */
const SECONDS = 2700;

async function jest(title, folder, report) {
  const file = reportPath(report);
  const { error } = await run(
    [
      process.execPath,
      tool('jest'),
      '--json',
      `--outputFile=${file}`,
      '--maxWorkers=2'
    ],
    { cwd: folder, seconds: SECONDS, show: true }
  );
  return withCrash(read(readReport(file), folder), error, title);
}

function read(text, folder) {
  const result = nothing();
  for (const suite of text ? JSON.parse(text).testResults : []) {
    const where = path.relative(folder, suite.name);
    if (suite.assertionResults.length === 0 && suite.status === 'failed') {
      result.failures.push({ name: where, message: suite.message });
    }
    for (const {
      status,
      fullName,
      failureMessages
    } of suite.assertionResults) {
      const name = `${where}: ${fullName}`;
      if (status === 'passed') {
        result.passed++;
      } else if (status === 'failed') {
        result.failures.push({ name, message: failureMessages.join('\n') });
      } else {
        result.skipped.push({ name, reason: `marked ${status}` });
      }
    }
  }
  return result;
}

const hasSpecs = folder => {
  try {
    return readdirSync(folder, { recursive: true }).some(name =>
      /\.spec\.tsx?$/.test(name)
    );
  } catch {
    return false;
  }
};

export const jestExtension = {
  name: 'jest-extension',
  title: 'Extension (jest)',
  mayBeEmpty: () => !hasSpecs(inRoot('src')),
  run() {
    return this.mayBeEmpty()
      ? nothing()
      : jest(this.title, inRoot(), 'jest-extension.json');
  }
};

export const jestKernel = {
  name: 'jest',
  title: 'Kernel package (jest)',
  run() {
    return jest(this.title, inRoot('kernel-bridge'), 'jest-kernel.json');
  }
};
