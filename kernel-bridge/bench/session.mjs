/**
 * What a session costs beside the model's own forward pass: by sampling rate, and for a question that it knows. The
 * forward pass is the same at each rate, so its time in onnxruntime is left out.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median, report } from './measuring/report.mjs';
import { MEDIUM, writeSyntheticModel } from './models/synthetic-model.mjs';
import { loadModel } from '../lib/index.js';

const TOKENS = 1024;
const ROUNDS = 9;
const RATES = [1, 0.5, 0.25, 0.1, 0];

const folder = mkdtempSync(join(tmpdir(), 'moe-debugger-bench-'));
const model = await loadModel((writeSyntheticModel(folder, MEDIUM), folder));
try {
  await sampling();
  await cache();
} finally {
  await model.dispose();
  rmSync(folder, { recursive: true, force: true });
}

/** Another prompt each time. */
function prompt(round, length = TOKENS) {
  return Array.from({ length }, (_, i) => (7 * i + 13 * round) % 100);
}

async function sampling() {
  const beside = new Map(RATES.map(rate => [rate, []]));
  const kept = new Map();
  for (let round = -1; round < ROUNDS; round++) {
    for (const rate of RATES) {
      const session = model.session({ samplingRate: rate, cacheLimit: 0 });
      const start = performance.now();
      const trace = await session.trace(prompt(round + 1));
      const spent = performance.now() - start - trace.timing.inference;
      if (round >= 0) {
        beside.get(rate).push((1000 * spent) / TOKENS);
      }
      kept.set(rate, session.summary.memory.used / TOKENS);
    }
  }
  const whole = median(beside.get(1));
  for (const rate of RATES) {
    const value = median(beside.get(rate));
    report(
      'Capture by sampling rate',
      `rate ${rate}, time beside onnxruntime`,
      value,
      'µs a token',
      `${((100 * value) / whole).toFixed(0)} % of rate 1; ${kept.get(rate).toFixed(0)} bytes kept a token; ${TOKENS} tokens, median of ${ROUNDS}`,
      { better: 'less' }
    );
  }
}

async function cache() {
  const session = model.session();
  const first = [];
  const again = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const times of [first, again]) {
      const start = performance.now();
      await session.trace(prompt(round));
      times.push(performance.now() - start);
    }
  }
  const { hitRate, bytes, limit } = session.summary.cache;
  const detail = `${TOKENS} tokens, median of ${ROUNDS}; hit rate ${hitRate}, ${(bytes / 2 ** 20).toFixed(1)} of ${limit / 2 ** 20} MB`;
  report(
    'Result cache of a session',
    'a prompt for the first time',
    median(first),
    'ms',
    detail
  );
  report(
    'Result cache of a session',
    'the same prompt again',
    median(again),
    'ms',
    detail
  );
}
