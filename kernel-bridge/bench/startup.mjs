/** From the start of a plain Node program to the first routing of the demo model. */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median, quantile, report } from './measuring/report.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const DEMO = join(here, '../../models/demo');
const RUNS = 15;

function firstRouting() {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(
      process.execPath,
      [join(here, 'programs/first-routing.mjs'), DEMO],
      { stdio: ['ignore', 'pipe', 'inherit'] }
    );
    let routed;
    let processor;
    child.stdout.once('data', text => {
      routed = performance.now() - start;
      processor = Number(text);
    });
    child.on('error', reject);
    child.on('close', code =>
      code === 0 && routed
        ? resolve({ routed, processor })
        : reject(new Error(`the program ended with ${code}`))
    );
  });
}

const runs = [];
for (let run = 0; run < RUNS; run++) {
  runs.push(await firstRouting());
}
const times = runs.map(({ routed }) => routed);
const seconds = value => value / 1000;
report(
  'Start',
  'process start to first routing of the demo model',
  seconds(median(times)),
  's',
  `median of ${RUNS}, fastest ${seconds(Math.min(...times)).toFixed(2)}, p95 ${seconds(quantile(times, 0.95)).toFixed(2)}, ${median(runs.map(({ processor }) => processor)).toFixed(2)} s of processor time`,
  { target: { atMost: 1.2 } }
);
