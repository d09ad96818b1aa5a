/**
 * Named steps, each skipped while what it depends on stays the same.
 *
 * A stage has a `title`, a `run(onLine)`, and says when it is done: either by `isDone()`, or by `inputs` (files
 * and folders whose content matters) and `outputs` (what must be there). The digest of the inputs is noted
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
  // Scripts and links in .venv hold this clone's path; the kernelspec names this Node.
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

/** Makes a stage run again: what it made is no longer what it would make. */
export function forget(stage) {
  rmSync(noteOf(stage), { force: true });
}

async function perform(stage, onLine) {
  if (stage.isDone) {
    await stage.run(onLine);
    return;
  }
  forget(stage);
  // Taken before the run: what is edited meanwhile makes the stage run again.
  const before = digest(stage);
  await stage.run(onLine);
  writeFileSync(`${noteOf(stage)}.new`, before);
  renameSync(`${noteOf(stage)}.new`, noteOf(stage));
}

/** Two commands at once in one clone: the second waits until the first has set up. */
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
      console.log('Another set-up is at work in this clone: waiting for it.');
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
      // Just made and not yet filled in, or left by a crash.
      return Date.now() - mtimeMs < 5000;
    }
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Runs the stages that are not done, in order. */
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
