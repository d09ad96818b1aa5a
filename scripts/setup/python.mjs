/** Python, its virtual environment and its packages. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { inRoot, venv, venvBin, venvPython } from '../paths.mjs';
import { run } from '../processes.mjs';
import { SetupError, explain } from './errors.mjs';

const windows = process.platform === 'win32';
const OLDEST = [3, 10];
const PROBE = `
import sys
print('%d.%d' % sys.version_info[:2])
try:
    import venv, ensurepip
    print('venv')
except ImportError:
    pass
`;

async function probe(python) {
  const { error, lines } = await run([python, '-c', PROBE], { seconds: 30 });
  if (error) {
    return undefined;
  }
  const [version, hasVenv] = lines;
  const [major, minor] = version.split('.').map(Number);
  return {
    python,
    version,
    hasVenv: hasVenv === 'venv',
    recent: major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])
  };
}

/** The Python that creates the virtual environment: PYTHON, else the first suitable one on PATH. */
export async function findPython() {
  const wanted = process.env.PYTHON;
  const found = [];
  for (const name of wanted ? [wanted] : ['python3', 'python', 'py']) {
    const answer = await probe(name);
    if (answer) {
      found.push(answer);
    }
  }
  const recent = found.filter(answer => answer.recent);
  const usable = recent.find(answer => answer.hasVenv);
  if (usable) {
    return usable;
  }
  const oldest = OLDEST.join('.');
  if (recent.length > 0) {
    throw new SetupError(
      `Python ${recent[0].version} (${recent[0].python}) has no venv module: install it ` +
        '(on Debian and Ubuntu: apt-get install python3-venv) and run the command again.'
    );
  }
  if (found.length > 0) {
    throw new SetupError(
      `Python ${oldest} or newer is needed and ${found[0].python} is Python ${found[0].version}: ` +
        'install a newer one, or name it, as in PYTHON=/path/to/python3 npm start.'
    );
  }
  throw new SetupError(
    wanted
      ? `PYTHON names ${wanted}, which does not run: let it name a Python ${oldest} or newer, or unset it.`
      : `Python ${oldest} or newer is needed and there is none on PATH: install it ` +
          '(on Debian and Ubuntu: apt-get install python3 python3-venv), or name it in the variable PYTHON.'
  );
}

/** A virtual environment contains its own absolute path: it does not work in a moved clone. */
function belongsHere() {
  if (!existsSync(venvPython)) {
    return false;
  }
  if (windows) {
    return true;
  }
  try {
    return readFileSync(path.join(venvBin, 'pip'), 'utf8').includes(venvBin);
  } catch {
    return false;
  }
}

async function isWhole() {
  if (!belongsHere()) {
    return false;
  }
  const answer = await probe(venvPython);
  return (
    answer?.recent === true &&
    !(await run([venvPython, '-m', 'pip', '--version'])).error
  );
}

export const virtualEnvironment = {
  name: 'python-venv',
  title: 'Making the Python environment (.venv)',
  isDone: belongsHere,
  async run(onLine) {
    if (await isWhole()) {
      return;
    }
    const { python } = await findPython();
    rmSync(venv, { recursive: true, force: true });
    const { error, lines } = await run([python, '-m', 'venv', venv], {
      onLine
    });
    if (error) {
      throw new SetupError(
        explain(lines, 'Python') ??
          `${python} -m venv ${error}: on Debian and Ubuntu, apt-get install python3-venv; then run the command again.`
      );
    }
  }
};

export const pythonPackages = {
  name: 'python-packages',
  title: 'Installing the Python packages (requirements-dev.txt)',
  inputs: ['requirements-dev.txt'],
  outputs: [path.join(venvBin, windows ? 'jupyter-lab.exe' : 'jupyter-lab')],
  async run(onLine) {
    await pip(['install', '-r', 'requirements-dev.txt'], onLine);
  }
};

/** Runs the environment's own pip. */
export async function pip(args, onLine, env = {}) {
  const { error, lines } = await run(
    [venvPython, '-m', 'pip', ...args, '--no-input', '--progress-bar', 'off'],
    { cwd: inRoot(), onLine, env }
  );
  if (error) {
    throw new SetupError(explain(lines, 'pip') ?? `pip ${args[0]} ${error}.`);
  }
}
