/** The Python tests, and the notebooks, which have their own Python tests. */
import { inRoot, venvPython } from '../paths.mjs';
import { run } from '../processes.mjs';
import { readJUnit, readReport, reportPath } from './reports.mjs';
import { withCrash } from './results.mjs';
import { isolatedJupyter } from './servers.mjs';

const SECONDS = 1200;

async function runPytest(title, report, args) {
  const file = reportPath(report);
  const { error } = await run(
    [venvPython, '-m', 'pytest', '-ra', `--junit-xml=${file}`, ...args],
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
