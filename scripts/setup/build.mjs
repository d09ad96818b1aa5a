/** Builds the packages, and installs them where JupyterLab finds them. */
import {
  lstatSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from 'node:fs';
import path from 'node:path';
import { inRoot, npm, venv } from '../paths.mjs';
import { run } from '../processes.mjs';
import { SetupError, explain } from './errors.mjs';
import { pip } from './python.mjs';

const EXTENSION = 'jupyterlab-moe-debugger';
const labextension = inRoot('jupyterlab_moe_debugger', 'labextension');
const installedAt = path.join(
  venv,
  'share',
  'jupyter',
  'labextensions',
  EXTENSION
);

async function npmRun(script, onLine) {
  const { error, lines } = await run([...npm(), 'run', script], { onLine });
  if (error) {
    throw new SetupError(
      explain(lines, `npm run ${script}`) ??
        `The build (npm run ${script}) ${error}: its last lines above say why.`
    );
  }
}

export const kernelPackage = {
  name: 'kernel-package',
  title: 'Building the kernel package (kernel-bridge)',
  inputs: [
    'kernel-bridge/src',
    'kernel-bridge/package.json',
    'kernel-bridge/tsconfig.json',
    'package-lock.json'
  ],
  outputs: [inRoot('kernel-bridge', 'lib', 'index.js')],
  run: onLine => npmRun('build:kernel', onLine)
};

export const extension = {
  name: 'extension',
  title: 'Building the JupyterLab extension',
  inputs: [
    'src',
    'style',
    'schema',
    'package.json',
    'tsconfig.json',
    'package-lock.json',
    'kernel-bridge/src/base/protocol',
    'kernel-bridge/src/base/charts'
  ],
  outputs: [path.join(labextension, 'package.json')],
  async run(onLine) {
    await npmRun('build:lib', onLine);
    await npmRun('build:labextension', onLine);
  }
};

/** A symlink inside .venv must be removed before pip follows it and deletes its target. */
function removeLink(place) {
  if (lstatSync(place, { throwIfNoEntry: false })?.isSymbolicLink()) {
    rmSync(place);
  }
}

export const pythonPackage = {
  name: 'python-package',
  title: 'Installing the Python package and the extension into .venv',
  inputs: [
    'pyproject.toml',
    'install.json',
    'jupyter-config',
    'jupyterlab_moe_debugger/__init__.py',
    'requirements-dev.txt'
  ],
  outputs: [path.join(installedAt, 'package.json')],
  async run(onLine) {
    removeLink(installedAt);
    await pip(
      ['install', '--no-build-isolation', '--no-deps', '--editable', '.'],
      onLine,
      { SKIP_JUPYTER_BUILDER: '1' }
    );
    // A link, so that a rebuilt extension needs only a reload of the page.
    rmSync(installedAt, { recursive: true, force: true });
    mkdirSync(path.dirname(installedAt), { recursive: true });
    symlinkSync(labextension, installedAt, 'junction');
    writeSettings();
  }
};

/** JupyterLab of this clone shows no news, checks for no updates, and has no extensions that users lack. */
function writeSettings() {
  writeJSON(['share', 'jupyter', 'lab', 'settings', 'overrides.json'], {
    '@jupyterlab/apputils-extension:notification': {
      checkForUpdates: false,
      fetchNews: 'false'
    }
  });
  // Voila is installed for one test; it would add itself to JupyterLab and its server.
  writeJSON(['etc', 'jupyter', 'labconfig', 'page_config.json'], {
    disabledExtensions: { '@voila-dashboards/jupyterlab-preview': true }
  });
  writeJSON(['etc', 'jupyter', 'jupyter_server_config.json'], {
    ServerApp: { jpserver_extensions: { 'voila.server_extension': false } }
  });
}

function writeJSON(names, content) {
  const file = path.join(venv, ...names);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(content, null, 2));
}

export const kernelspec = {
  name: 'kernelspec',
  title: 'Installing the kernel "TypeScript (MoE Debugger)" into .venv',
  inputs: ['kernel-bridge/src/programs'],
  outputs: [
    path.join(venv, 'share', 'jupyter', 'kernels', 'tslab-moe', 'kernel.json')
  ],
  async run(onLine) {
    const { error, lines } = await run(
      [
        process.execPath,
        inRoot('kernel-bridge', 'lib', 'programs', 'cli', 'main.js'),
        'kernel',
        'install',
        '--prefix',
        venv
      ],
      { onLine }
    );
    if (error) {
      throw new SetupError(
        explain(lines, 'The kernel') ??
          `The kernel could not be installed into .venv: moe-debugger kernel install ${error}.`
      );
    }
  }
};
