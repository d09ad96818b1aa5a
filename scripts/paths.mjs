/** Paths in a clone. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readFileSync } from 'node:fs';

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

export const inRoot = (...parts) => path.join(root, ...parts);

const windows = process.platform === 'win32';

export const venv = inRoot('.venv');
export const venvBin = path.join(venv, windows ? 'Scripts' : 'bin');
export const venvPython = path.join(venvBin, windows ? 'python.exe' : 'python');

/** Everything that set-up and tests write beside the sources; ignored by git. */
export const cache = inRoot('.cache');

/** The JavaScript file of a tool in node_modules: run with Node itself, it needs no shell on any system. */
export function tool(packageName, binName = packageName) {
  // Not by require.resolve: a package may not export its package.json.
  const manifest = inRoot('node_modules', packageName, 'package.json');
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8'));
  return path.join(
    path.dirname(manifest),
    typeof bin === 'string' ? bin : bin[binName]
  );
}

/** The command of npm: the npm that runs this script, or the one on PATH. */
export function npm() {
  const running = process.env.npm_execpath;
  if (running && /npm-cli\.[cm]?js$/.test(running)) {
    return [process.execPath, running];
  }
  return [windows ? 'npm.cmd' : 'npm'];
}

/** The environment of started programs: the clone's own Python tools come first on PATH. */
export function environment(extra = {}) {
  const pathName =
    Object.keys(process.env).find(name => name.toUpperCase() === 'PATH') ??
    'PATH';
  /** @type {NodeJS.ProcessEnv} */
  const env = {
    ...process.env,
    [pathName]: [venvBin, process.env[pathName]].join(path.delimiter),
    VIRTUAL_ENV: venv,
    // The clone's kernel, extension and settings take precedence over those in the home folder.
    JUPYTER_PREFER_ENV_PATH: '1',
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    ...extra
  };
  delete env.PYTHONHOME;
  delete env.PYTHONPATH;
  return env;
}
