/** `process.exit` while the inference thread is at work ends the process with its code; it must not abort it. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { DEMO } from '../../../test/zoo';

const LIB = join(__dirname, '../../../lib');

/** Runs a program that has an engine, and gives its exit code and what it printed. */
function ended(program: string): { status: number | null; stderr: string } {
  const { status, stderr } = spawnSync(
    process.execPath,
    [
      '-e',
      `const { Engine } = require(${JSON.stringify(join(LIB, 'run/engine/engine.js'))});
      const { loadModel } = require(${JSON.stringify(join(LIB, 'index.js'))});
      const DEMO = ${JSON.stringify(DEMO)};
      ${program}`
    ],
    { encoding: 'utf8' }
  );
  return { status, stderr };
}

const CLEAN = { status: 7, stderr: '' };

describe('process.exit', () => {
  // onnxruntime's addon takes some 50 ms to load: the exit falls before, into and after that.
  it.each([0, 40, 80, 120, 200])(
    'is clean %i ms after the inference thread has started',
    milliseconds =>
      expect(
        ended(
          `Engine.shared(); setTimeout(() => process.exit(7), ${milliseconds});`
        )
      ).toEqual(CLEAN)
  );

  it('is clean while a model loads', () =>
    expect(
      ended(`void loadModel(DEMO); setTimeout(() => process.exit(7), 100);`)
    ).toEqual(CLEAN));

  it('is clean while a model runs, and drops the runs that wait', () =>
    expect(
      ended(
        `loadModel(DEMO).then(model => {
          for (let i = 0; i < 40; i++) void model.trace('x '.repeat(300));
          setTimeout(() => process.exit(7), 100);
        });`
      )
    ).toEqual(CLEAN));

  it('is clean after the engine was disposed of', () =>
    expect(
      ended(`Engine.shared().dispose().then(() => process.exit(7));`)
    ).toEqual(CLEAN));
});
