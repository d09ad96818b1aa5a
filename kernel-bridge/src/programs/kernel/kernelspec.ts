/** Installs, lists and removes the kernelspec by which Jupyter finds this kernel. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync
} from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { MoEDebuggerError } from '../../base/errors';
import { ownPrefix, sweepLeftovers } from '../../base/own-leftovers';
import { KERNEL_DISPLAY_NAME, KERNEL_NAME } from '../../base/protocol/names';
import { LOGO_SVG } from './logo';

const STAGING = '.moe-debugger-';

/** Location of a kernelspec: at most one of these. Default: the user's Jupyter data folder. */
export interface KernelspecLocation {
  /** An environment's root: the spec goes to `PREFIX/share/jupyter/kernels`. */
  prefix?: string;
  /** The active environment: `$VIRTUAL_ENV`, `$CONDA_PREFIX`, or that of `python3` on the PATH. */
  sysPrefix?: boolean;
  /** A Jupyter data folder. */
  dataDir?: string;
}

export interface InstalledKernelspec {
  name: string;
  displayName: string;
  /** The folder of `kernel.json`. */
  folder: string;
  argv: string[];
  /** Node and the program that it names exist. */
  works: boolean;
  /** It starts this copy of the package. */
  current: boolean;
}

/** The program that a kernelspec starts. */
const MAIN = join(__dirname, 'main.js');

/**
 * Writes the kernelspec atomically, replacing an existing one. It starts this copy of the package with the current Node,
 * both by absolute path.
 * @returns what was installed, and where
 * @throws MoEDebuggerError when the package is not built or the folder is not writable
 */
export function installKernelspec(
  location: KernelspecLocation = {}
): InstalledKernelspec {
  if (!existsSync(MAIN)) {
    throw new MoEDebuggerError('environment', 'the kernel is not built', {
      where: MAIN,
      hint: 'run `npm run build`'
    });
  }
  const dataDir = resolveDataDir(location);
  const folder = specFolder(dataDir);
  writing(folder, () => {
    mkdirSync(join(dataDir, 'kernels'), { recursive: true });
    sweepLeftovers(dataDir, STAGING);
    const staging = mkdtempSync(join(dataDir, STAGING + ownPrefix()));
    try {
      const fresh = join(staging, 'new');
      mkdirSync(fresh);
      writeFileSync(
        join(fresh, 'kernel.json'),
        `${JSON.stringify(kernelspec(), null, 2)}\n`
      );
      writeFileSync(join(fresh, 'logo-svg.svg'), LOGO_SVG);
      if (existsSync(folder)) {
        renameSync(folder, join(staging, 'old'));
      }
      renameSync(fresh, folder);
    } finally {
      rmSync(staging, { recursive: true, force: true });
    }
  });
  return describe(folder) as InstalledKernelspec;
}

/**
 * Lists our kernelspecs in all of Jupyter's data folders, in search order: Jupyter uses the first one. With a location,
 * only there.
 */
export function listKernelspecs(
  location?: KernelspecLocation
): InstalledKernelspec[] {
  const folders = location ? [resolveDataDir(location)] : searchPath();
  return [...new Set(folders)].flatMap(
    dataDir => describe(specFolder(dataDir)) ?? []
  );
}

/**
 * Removes the kernelspec from one location.
 * @returns the removed folder; undefined if there was none
 * @throws MoEDebuggerError when it cannot be removed
 */
export function removeKernelspec(
  location: KernelspecLocation = {}
): string | undefined {
  const folder = specFolder(resolveDataDir(location));
  if (!existsSync(folder)) {
    return undefined;
  }
  writing(folder, () => rmSync(folder, { recursive: true }));
  return folder;
}

function kernelspec(): object {
  return {
    argv: [process.execPath, MAIN, '--config-path', '{connection_file}'],
    display_name: KERNEL_DISPLAY_NAME,
    language: 'typescript',
    // A signal would not reach a loop after an `await`; a message on the control channel does.
    interrupt_mode: 'message',
    metadata: { debugger: false }
  };
}

function describe(folder: string): InstalledKernelspec | undefined {
  let spec: { argv?: unknown; display_name?: unknown };
  try {
    spec = JSON.parse(
      readFileSync(join(folder, 'kernel.json'), 'utf8')
    ) as typeof spec;
  } catch {
    return undefined;
  }
  const argv = Array.isArray(spec.argv) ? spec.argv.map(String) : [];
  return {
    name: KERNEL_NAME,
    displayName: String(spec.display_name ?? ''),
    folder,
    argv,
    works: argv.length >= 2 && argv.slice(0, 2).every(path => existsSync(path)),
    current: argv[1] === MAIN
  };
}

function specFolder(dataDir: string): string {
  return join(dataDir, 'kernels', KERNEL_NAME);
}

function resolveDataDir({
  prefix,
  sysPrefix,
  dataDir
}: KernelspecLocation): string {
  const given = [prefix, sysPrefix || undefined, dataDir].filter(
    value => value !== undefined
  );
  if (given.length > 1) {
    throw new MoEDebuggerError('usage', 'a kernelspec has one place', {
      hint: 'give either a prefix, the active environment or a data folder'
    });
  }
  if (dataDir !== undefined) {
    return dataDir;
  }
  const root = prefix ?? (sysPrefix ? activeEnvironment() : undefined);
  return root === undefined ? userDataDir() : join(root, 'share', 'jupyter');
}

/** As in `jupyter_core.paths`. */
function userDataDir(): string {
  const { env, platform } = process;
  if (env.JUPYTER_DATA_DIR) {
    return env.JUPYTER_DATA_DIR;
  }
  if (platform === 'darwin') {
    return join(homedir(), 'Library', 'Jupyter');
  }
  if (platform === 'win32') {
    return env.APPDATA
      ? join(env.APPDATA, 'jupyter')
      : join(homedir(), '.jupyter', 'data');
  }
  return join(
    env.XDG_DATA_HOME || join(homedir(), '.local', 'share'),
    'jupyter'
  );
}

function searchPath(): string[] {
  const { env, platform } = process;
  const given = (env.JUPYTER_PATH ?? '').split(delimiter).filter(Boolean);
  const environments = [env.VIRTUAL_ENV, env.CONDA_PREFIX].flatMap(root =>
    root ? [join(root, 'share', 'jupyter')] : []
  );
  const system =
    platform === 'win32'
      ? [join(env.PROGRAMDATA ?? 'C:\\ProgramData', 'jupyter')]
      : ['/usr/local/share/jupyter', '/usr/share/jupyter'];
  return [...given, ...environments, userDataDir(), ...system];
}

function activeEnvironment(): string {
  const { VIRTUAL_ENV, CONDA_PREFIX } = process.env;
  const known = VIRTUAL_ENV || CONDA_PREFIX;
  if (known) {
    return known;
  }
  const python = spawnSync('python3', ['-c', 'import sys; print(sys.prefix)'], {
    encoding: 'utf8'
  });
  const found = python.status === 0 ? python.stdout.trim() : '';
  if (found === '') {
    throw new MoEDebuggerError('environment', 'no Python environment found', {
      hint: 'activate one, or give its folder with --prefix'
    });
  }
  return found;
}

function writing(folder: string, task: () => void): void {
  try {
    task();
  } catch (cause) {
    throw new MoEDebuggerError(
      'environment',
      `cannot write the kernelspec (${(cause as NodeJS.ErrnoException).code ?? String(cause)})`,
      {
        where: folder,
        hint: 'check the permissions, or choose another place with --prefix',
        cause
      }
    );
  }
}
