/** Entry point of the kernel process: `node main.js --config-path CONNECTION_FILE`. */
import { randomUUID } from 'node:crypto';
import { MoEDebuggerError } from '../../base/errors';
import { installKernel } from '../../base/kernel-api';
import { printable } from '../../base/printable';
import { turnOffTelemetry } from '../../run/engine/telemetry';
import { readConnectionFile } from './connection';
import { INTERNAL_FOLDERS } from './internal-folders';
import { LifeRecord } from './life-record';
import { Sockets } from './sockets';

async function main(argv: string[]): Promise<void> {
  const path = argv[argv.indexOf('--config-path') + 1];
  if (!argv.includes('--config-path') || path === undefined) {
    throw new MoEDebuggerError('usage', 'no --config-path', {
      hint: 'Jupyter starts this program; install its kernelspec with `moe-debugger kernel install`'
    });
  }
  // Before any cell, which may use onnxruntime directly.
  turnOffTelemetry();
  const connection = readConnectionFile(path);
  const life = new LifeRecord(path);
  // The sockets' thread starts while this one loads the compiler.
  const sockets = new Sockets(
    connection,
    randomUUID(),
    INTERNAL_FOLDERS,
    life.file
  );
  const { Kernel } = await import('./server.js');
  const { serveSessions } = await import('../serve/channel.js');
  const kernel = new Kernel(sockets, life);
  installKernel(kernel);
  serveSessions(kernel);
  await kernel.start();
}

main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`moe-debugger: error: ${printable(error.message)}\n`);
  process.exit(2);
});
