/** A plain program: loads the model given, traces one prompt, says so. */
import { createRequire } from 'node:module';

const { loadModel } = createRequire(import.meta.url)('../../lib/index.js');
const model = await loadModel(process.argv[2]);
const trace = await model.trace('def fib(n):');
if (trace.coverage.slots === 0) {
  throw new Error('nothing was routed');
}
const { user, system } = process.cpuUsage();
process.stdout.write(String((user + system) / 1e6));
