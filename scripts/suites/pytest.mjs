/** The Python tests, and the notebooks, which are run by Python tests of their own. */
import { inRoot, venvPython } from '../paths.mjs';
import { run } from '../processes.mjs';
import { readReport, reportPath } from './reports.mjs';
import { nothing, withCrash } from './results.mjs';
import { isolatedJupyter } from './servers.mjs';

const SECONDS = 1200;

async function runPytest(title, report, args) {
  const file = reportPath(report);
  const { error } = await run(
    [venvPython, '-m', 'pytest', '-ra', `--junit-xml=${file}`, ...args],
    { cwd: inRoot(), seconds: SECONDS, show: true, env: isolatedJupyter() }
  );
  return withCrash(read(readReport(file)), error, title);
}

/** Reads JUnit's XML, of which pytest writes a small and regular part. */
function read(text = '') {
  const result = nothing();
  for (const [, attributes, body = ''] of text.matchAll(
    /<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g
  )) {
    const name = `${attribute(attributes, 'classname')}: ${attribute(attributes, 'name')}`;
    const failure = /<(?:failure|error)\b([^>]*)>([\s\S]*?)<\//.exec(body);
    const skip = /<skipped\b([^>]*)/.exec(body);
    if (failure) {
      result.failures.push({
        name,
        message: attribute(failure[1], 'message') || unescape(failure[2])
      });
    } else if (skip) {
      result.skipped.push({ name, reason: attribute(skip[1], 'message') });
    } else {
      result.passed++;
    }
  }
  return result;
}

const attribute = (attributes, name) =>
  unescape(new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? '');

const ENTITIES = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

const unescape = text =>
  text.replace(
    /&(?:#(\d+)|#x([0-9A-Fa-f]+)|(\w+));/g,
    (all, tens, hex, name) =>
      name
        ? (ENTITIES[name] ?? all)
        : String.fromCodePoint(tens ? Number(tens) : parseInt(hex, 16))
  );

export const pytest = {
  name: 'pytest',
  title: 'Python package, installation and kernel protocol (pytest)',
  run() {
    return runPytest(this.title, 'pytest.xml', [
      'tests',
      '--ignore=tests/notebooks'
    ]);
  }
};

export const notebooks = {
  name: 'notebooks',
  title: 'Notebooks',
  run() {
    return runPytest(this.title, 'notebooks.xml', ['tests/notebooks']);
  }
};
