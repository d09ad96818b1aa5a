/** Node and its packages. */
import { readFileSync } from 'node:fs';
import { inRoot, npm } from '../paths.mjs';
import { run } from '../processes.mjs';
import { SetupError, explain } from './errors.mjs';

/** The minimum version for the bundler of the extension. */
const OLDEST = [20, 19];

/** Packages whose install script builds a binary on systems without a prebuilt one. */
const BUILT_HERE = new Set(['zeromq']);

export function checkNode(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    throw new SetupError(
      `Node ${OLDEST.join('.')} or newer is needed and this is Node ${version}: ` +
        'install a current Node (for example with your package manager or nvm) and run the command again.'
    );
  }
}

/**
 * Whether node_modules matches the lock file. npm writes the list that is read here last, so an
 * interrupted installation has none.
 */
function agrees() {
  try {
    const wanted = packagesOf('package-lock.json');
    const installed = packagesOf('node_modules/.package-lock.json');
    return Object.entries(wanted).every(
      ([place, { version, link, optional }]) =>
        !place.includes('node_modules/') || link
          ? true
          : installed[place]
            ? installed[place].version === version
            : optional === true
    );
  } catch {
    return false;
  }
}

const packagesOf = file =>
  JSON.parse(readFileSync(inRoot(file), 'utf8')).packages;

export const nodePackages = {
  name: 'node-packages',
  title: 'Installing the Node packages (npm ci)',
  isDone: agrees,
  async run(onLine) {
    const result = await run([...npm(), 'ci', '--no-progress'], { onLine });
    if (result.error) {
      throw new SetupError(
        explain(result.lines, 'npm ci') ?? `npm ci ${result.error}.`
      );
    }
    for (const name of ['zeromq', 'onnxruntime-node']) {
      await checkBinary(name, onLine);
    }
  }
};

const loads = name => run([process.execPath, '-e', `require('${name}')`]);

/** No install script runs (.npmrc), so check at once that the binaries in the packages load here. */
async function checkBinary(name, onLine) {
  if (BUILT_HERE.has(name) && (await loads(name)).error) {
    await run([...npm(), 'rebuild', name, '--ignore-scripts=false'], {
      onLine
    });
  }
  const { error, lines } = await loads(name);
  if (error) {
    throw new SetupError(
      `The binary that comes with ${name} does not load on ${process.platform}-${process.arch}: ` +
        'use a system that it is built for (64-bit Linux with glibc, macOS or Windows).',
      lines
    );
  }
}
