/**
 * Set-up stages, each skipped while its inputs are unchanged.
 *
 * A stage has a `title`, a `run(onLine)`, and defines when it is done: either by `isDone()`, or by `inputs` (files
 * and folders whose content matters) and `outputs` (files that must exist). The digest of the inputs is saved
 * only after the stage has run to its end, so an interrupted one runs again.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync
} from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cache, inRoot, root } from '../paths.mjs';
import { beforeEnd } from '../processes.mjs';
import { Progress } from './progress.mjs';

const notes = path.join(cache, 'setup');

function* filesIn(place) {
  if (!existsSync(place)) {
    return;
  }
  if (!statSync(place).isDirectory()) {
    yield place;
    return;
  }
  for (const entry of readdirSync(place).sort()) {
    if (entry !== 'node_modules' && entry !== '__pycache__') {
      yield* filesIn(path.join(place, entry));
    }
  }
}

function digest(stage) {
  // Scripts and links in .venv contain this clone's path; the kernelspec contains this Node's path.
  const hash = createHash('sha256').update(`${root}\n${process.execPath}\n`);
  for (const input of stage.inputs) {
    for (const file of filesIn(inRoot(input))) {
      // Tests are not part of what is built.
      if (!/\.spec\.tsx?$/.test(file)) {
        hash.update(`${path.relative(root, file)}\0`);
        hash.update(readFileSync(file));
      }
    }
  }
  return hash.digest('hex');
}

const noteOf = stage => path.join(notes, stage.name);

function isDone(stage) {
  if (stage.isDone) {
    return stage.isDone();
  }
  return (
    stage.outputs.every(output => existsSync(output)) &&
    existsSync(noteOf(stage)) &&
    readFileSync(noteOf(stage), 'utf8') === digest(stage)
  );
}

/** Makes a stage run again: its outputs are out of date. */
export function forget(stage) {
  rmSync(noteOf(stage), { force: true });
}

async function perform(stage, onLine) {
  if (stage.isDone) {
    await stage.run(onLine);
    return;
  }
  forget(stage);
  // Computed before the run: an edit during the run makes the stage run again.
  const before = digest(stage);
  await stage.run(onLine);
  writeFileSync(`${noteOf(stage)}.new`, before);
  renameSync(`${noteOf(stage)}.new`, noteOf(stage));
}

/** If two commands run in one clone, the second waits until the first has set up. */
async function lock() {
  const file = path.join(cache, 'setup.lock');
  mkdirSync(notes, { recursive: true });
  const release = () => rmSync(file, { force: true });
  for (let told = false; ;) {
    try {
      const handle = openSync(file, 'wx');
      writeSync(handle, String(process.pid));
      closeSync(handle);
      beforeEnd.add(release);
      return () => {
        release();
        beforeEnd.delete(release);
      };
    } catch (error) {
      if (error.code !== 'EEXIST') {
        throw error;
      }
    }
    if (!holderLives(file)) {
      release();
      continue;
    }
    if (!told) {
      console.log('Another set-up is running in this clone: waiting for it.');
      told = true;
    }
    await sleep(1000);
  }
}

function holderLives(file) {
  try {
    const { mtimeMs } = statSync(file);
    const pid = Number(readFileSync(file, 'utf8'));
    if (!pid) {
      // Just created and still empty, or left by a crash.
      return Date.now() - mtimeMs < 5000;
    }
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Runs the stages that are not done, in their order. */
export async function runStages(stages) {
  const release = await lock();
  try {
    for (const [index, stage] of stages.entries()) {
      if (isDone(stage)) {
        continue;
      }
      const progress = new Progress(
        `[${index + 1}/${stages.length}] ${stage.title}`
      );
      try {
        await perform(stage, line => progress.line(line));
        progress.done();
      } catch (error) {
        progress.failed(error.details);
        throw error;
      }
    }
  } finally {
    release();
  }
}
