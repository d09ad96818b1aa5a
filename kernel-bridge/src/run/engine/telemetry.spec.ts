/** The variable is set where native code reads it: in the environment of the process, not of a thread. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const BUILT = join(__dirname, '../../../lib/run/engine/telemetry.js');

/** Runs a program that calls `turnOff` on some thread. @returns the process's environment at its end */
function run(
  program: string,
  environment: Record<string, string> = {}
): { thrown?: string; value: string | null } {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [
      '--eval',
      `const { Worker, SHARE_ENV } = require('node:worker_threads');
      const { turnOffTelemetry } = require(${JSON.stringify(BUILT)});
      const end = thrown => {
        const { environmentVariables } = process.report.getReport();
        const value = environmentVariables.ORT_DISABLE_TELEMETRY ?? null;
        console.log(JSON.stringify({ thrown, value }));
      };
      const onWorker = options => {
        const code = 'require(' + ${JSON.stringify(JSON.stringify(BUILT))} + ').turnOffTelemetry()';
        const worker = new Worker(code, { eval: true, ...options });
        let thrown;
        worker.on('error', error => { thrown = error.code; });
        worker.on('exit', () => end(thrown));
      };
      ${program}`
    ],
    { env: { PATH: process.env.PATH, ...environment }, encoding: 'utf8' }
  );
  if (stdout === '') {
    throw new Error(stderr);
  }
  return JSON.parse(stdout) as { thrown?: string; value: string | null };
}

describe('turnOffTelemetry', () => {
  it('sets the variable in the environment of the process', () => {
    expect(run('turnOffTelemetry(); end()')).toEqual({ value: '1' });
  });

  it('sets it where the variable is empty', () => {
    expect(
      run('turnOffTelemetry(); end()', { ORT_DISABLE_TELEMETRY: '' })
    ).toEqual({ value: '1' });
  });

  it('keeps a value that the user set', () => {
    expect(
      run('turnOffTelemetry(); end()', { ORT_DISABLE_TELEMETRY: '0' })
    ).toEqual({ value: '0' });
  });

  it('throws on a worker thread whose environment is a copy', () => {
    expect(run('onWorker()')).toEqual({ thrown: 'environment', value: null });
  });

  it('throws if the environment was replaced with a copy', () => {
    expect(
      run(
        `process.env = { ...process.env };
        try { turnOffTelemetry(); end(); } catch (error) { end(error.code); }`
      )
    ).toEqual({ thrown: 'environment', value: null });
  });

  it('works on a worker thread that shares the environment', () => {
    expect(run('onWorker({ env: SHARE_ENV })')).toEqual({ value: '1' });
  });

  it('works on a worker thread after it was called on the main thread', () => {
    expect(run('turnOffTelemetry(); onWorker()')).toEqual({ value: '1' });
  });

  it('is not needed in these tests, whose environment is a copy', () => {
    expect(process.report!.getReport()).toMatchObject({
      environmentVariables: {
        ORT_DISABLE_TELEMETRY: expect.any(String) as string
      }
    });
  });
});
