/**
 * What capturing costs: the graph with routing outputs against the untouched file, both through the engine, with the
 * same feeds and the same logits returned. "Control" is a second session of the untouched file.
 *
 * Measured twice: by the clock, with onnxruntime's own number of threads, and in processor time with one thread, which
 * what else runs on the machine hardly changes.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ratios, timers } from './measuring/ratio.mjs';
import { report } from './measuring/report.mjs';
import {
  cachedDecoding,
  forward,
  prepare,
  singleTokens,
  tokenIds
} from './measuring/sessions.mjs';
import { MEDIUM, writeSyntheticModel } from './models/synthetic-model.mjs';

const DEMO = join(dirname(fileURLToPath(import.meta.url)), '../../models/demo');

const WAYS = [
  {
    way: 'processor time, 1 thread',
    timer: timers.processor,
    options: { threads: 1 }
  },
  { way: 'by the clock', timer: timers.elapsed, options: {} }
];

async function compare(name, model, work, counts, target) {
  for (const { way, timer, options } of WAYS) {
    const result = await ratios(
      {
        plain: () => model.plain(work, options),
        captured: () => model.captured(work, options),
        control: () => model.plain(work, options)
      },
      'plain',
      { ...counts, timer }
    );
    report(
      'Captured against untouched graph',
      `${name}, ${way}`,
      result.captured.ratio,
      'x',
      `${counts.blocks} x ${counts.rounds} rounds`,
      { measured: result.captured, control: result.control, target }
    );
  }
}

const demo = prepare(DEMO);
const small = { atMost: 1.02 };
await compare(
  'demo model, 512-token forward',
  demo,
  forward(demo.inputs, tokenIds(512)),
  { blocks: 12, rounds: 6 },
  small
);
await compare(
  'demo model, 64 one-token runs',
  demo,
  singleTokens(demo.inputs, 64),
  { blocks: 12, rounds: 6 },
  small
);

const folder = mkdtempSync(join(tmpdir(), 'moe-debugger-bench-'));
try {
  const { parameters } = writeSyntheticModel(folder, MEDIUM);
  const model = prepare(folder);
  const what = `${Math.round(parameters / 1e6)} M parameters`;
  const within = { within: 'control' };
  const counts = { blocks: 8, rounds: 3 };
  await compare(
    `${what}, 512-token forward`,
    model,
    forward(model.inputs, tokenIds(512)),
    counts,
    within
  );
  await compare(
    `${what}, 64 cached tokens`,
    model,
    cachedDecoding(model.inputs, 16, 64),
    counts,
    within
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
