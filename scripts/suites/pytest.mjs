/** The Python tests, and the notebooks, which have their own Python tests. */
import { availableParallelism } from 'node:os';
import { inRoot, venvPython } from '../paths.mjs';
import { run } from '../processes.mjs';
import { readJUnit, readReport, reportPath } from './reports.mjs';
import { withCrash } from './results.mjs';
import { isolatedJupyter } from './servers.mjs';

const SECONDS = 1200;

/** Most tests wait for a kernel to start. More processes than cores would make those late that measure time. */
const PROCESSES = String(Math.min(4, availableParallelism()));

async function runPytest(title, report, args) {
  const file = reportPath(report);
  const { error } = await run(
    [
      venvPython,
      '-m',
      'pytest',
      '-ra',
      `--numprocesses=${PROCESSES}`,
      // Tests of one file share a kernel, and blocks of one page the files that they write.
      '--dist=loadfile',
      `--junit-xml=${file}`,
      ...args
    ],
    { cwd: inRoot(), seconds: SECONDS, show: true, env: isolatedJupyter() }
  );
  return withCrash(readJUnit(readReport(file)), error, title);
}

export const pytest = {
  name: 'pytest',
  title: 'Python package, installation and kernel protocol (pytest)',
  run() {
    return runPytest(this.title, 'pytest.xml', [
      'tests',
      '--ignore=tests/notebooks',
      '--ignore=tests/docs'
    ]);
  }
};

export const notebooks = {
  name: 'notebooks',
  title: 'Notebooks, and the code of the documentation',
  run() {
    return runPytest(this.title, 'notebooks.xml', [
      'tests/notebooks',
      'tests/docs'
    ]);
  }
};
