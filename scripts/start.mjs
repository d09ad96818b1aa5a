/**
 * `npm start`: sets up, then opens JupyterLab on the first notebook. Arguments after `--` go to `jupyter lab`,
 * as in `npm start -- --no-browser --port 9000`.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { environment, inRoot, root, venvPython } from './paths.mjs';
import { beforeEnd, endWithNpm } from './processes.mjs';
import { orExplain, setUp } from './setup/index.mjs';

const NOTEBOOK = 'notebooks/quickstart.ipynb';
const ADDRESS = /https?:\/\/(?:127\.0\.0\.1|localhost|\[::1\]):\d+\/\S*/;
const PATIENCE_SECONDS = 15;

function labArguments(given) {
  const ownDocument = given.some(
    argument => !argument.startsWith('-') && existsSync(inRoot(argument))
  );
  const asRoot =
    process.getuid?.() === 0 && !given.includes('--allow-root')
      ? ['--allow-root']
      : [];
  return [
    '-m',
    'jupyter',
    'lab',
    ...(ownDocument || !existsSync(inRoot(NOTEBOOK)) ? [] : [NOTEBOOK]),
    ...asRoot,
    ...given
  ];
}

/**
 * JupyterLab stays in this process's group, unlike programs started by `run`: killing the group, as a terminal
 * that closes does, kills both. Its stdin is not a terminal, so that it does not ask "Shut down? (y/n)".
 */
function startLab(given) {
  const lab = spawn(venvPython, labArguments(given), {
    cwd: root,
    env: environment(),
    stdio: ['ignore', 'inherit', 'pipe']
  });
  const ended = new Promise(resolve => {
    lab.once('error', error => {
      console.error(`JupyterLab could not be started: ${error.message}`);
      resolve(1);
    });
    lab.once('exit', (code, signal) => resolve(signal ? 1 : code));
  });
  beforeEnd.add(async () => {
    lab.kill('SIGTERM');
    const timer = setTimeout(
      () => lab.kill('SIGKILL'),
      PATIENCE_SECONDS * 1000
    );
    await ended;
    clearTimeout(timer);
  });
  return { lab, ended };
}

/** Prints JupyterLab's log, and once its address. */
function announce(lab) {
  let address;
  lab.stderr.setEncoding('utf8');
  lab.stderr.on('data', text => {
    process.stderr.write(text);
    const found = address ? undefined : ADDRESS.exec(text)?.[0];
    if (found?.includes('token=')) {
      address = found;
      void waitFor(address);
    }
  });
}

async function waitFor(address) {
  for (;;) {
    try {
      const { ok } = await fetch(address);
      if (ok) {
        break;
      }
    } catch {
      // Not listening yet.
    }
    await new Promise(resolve => setTimeout(resolve, 200));
  }
  console.log(`\nJupyterLab is ready: ${address}\nStop it with Ctrl+C.\n`);
}

await orExplain(setUp);
endWithNpm();
const { lab, ended } = startLab(process.argv.slice(2));
announce(lab);
process.exitCode = await ended;
