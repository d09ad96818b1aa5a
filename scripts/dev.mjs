/**
 * `npm run dev`: sets up, then rebuilds what is edited, and says after each build what to reload. Ctrl+C ends it.
 * `npm start` in a second terminal shows the result. `npm run dev -- kernel` watches only that; `--no-setup` assumes
 * that everything was built once.
 */
import { parseArgs } from 'node:util';
import { inRoot, tool } from './paths.mjs';
import { endWithNpm, ending, run } from './processes.mjs';
import { extension } from './setup/build.mjs';
import { SetupError } from './setup/errors.mjs';
import { orExplain, setUp } from './setup/index.mjs';
import { forget } from './setup/stages.mjs';

const tsc = project => [
  process.execPath,
  tool('typescript', 'tsc'),
  '--watch',
  '--preserveWatchOutput',
  '-p',
  inRoot(project)
];

/** For each watcher, the last line of a successful build, and what to do then. */
const WATCHERS = [
  {
    name: 'kernel',
    command: tsc('kernel-bridge/tsconfig.json'),
    built: /Found 0 errors/,
    advice: "the kernel package is built: restart the notebook's kernel"
  },
  // Compiles only; the bundler uses the result.
  { name: 'page', command: tsc('tsconfig.json') },
  {
    name: 'bundle',
    command: ['jupyter-builder', 'watch', '.'],
    built: /compiled (?:successfully|with .*warning)/,
    advice: 'the extension is built: reload the page'
  }
];

async function watch({ name, command, built, advice }, until) {
  const say = text => console.log(`[${name}] ${text}`);
  const { error } = await run(command, {
    until,
    onLine: line => {
      if (line.trim()) {
        say(line);
      }
      if (built?.test(line)) {
        say(`=> ${advice}`);
      }
    }
  });
  return `The watcher "${name}" ${error ?? 'ended'}.`;
}

function chosen() {
  const { values, positionals } = parseArgs({
    options: { 'no-setup': { type: 'boolean' } },
    allowPositionals: true
  });
  const names = WATCHERS.map(({ name }) => name);
  const unknown = positionals.filter(name => !names.includes(name));
  if (unknown.length > 0) {
    throw new SetupError(
      `There is no watcher "${unknown.join(', ')}": choose from ${names.join(', ')}.`
    );
  }
  return {
    setup: !values['no-setup'],
    watchers: WATCHERS.filter(
      ({ name }) => positionals.length === 0 || positionals.includes(name)
    )
  };
}

await orExplain(async () => {
  const { setup, watchers } = chosen();
  endWithNpm();
  if (setup) {
    await setUp();
  }
  if (watchers.some(({ name }) => name === 'bundle')) {
    // It is bundled for development while it is watched: `npm start` and `npm test` then bundle it anew.
    forget(extension);
  }
  console.log(
    `Watching: ${watchers.map(({ name }) => name).join(', ')}. Stop with Ctrl+C.`
  );
  const over = new AbortController();
  const watching = watchers.map(watcher => watch(watcher, over.signal));
  const first = await Promise.race(watching);
  if (ending.aborted) {
    // The signal handler waits for all of them, then ends this program.
    return;
  }
  over.abort();
  await Promise.all(watching);
  throw new SetupError(`${first} Its last lines above say why.`);
});
