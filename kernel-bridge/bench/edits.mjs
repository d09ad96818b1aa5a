/**
 * What it costs that a graph takes edits: with its inputs for edits, and with an edit, against the untouched file, with
 * the same logits returned. "Control" is a second session of the untouched file.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ratios, timers } from './measuring/ratio.mjs';
import { report } from './measuring/report.mjs';
import { forward, prepare, tokenIds } from './measuring/sessions.mjs';
import { MEDIUM, writeSyntheticModel } from './models/synthetic-model.mjs';

const DEMO = join(dirname(fileURLToPath(import.meta.url)), '../../models/demo');
const TARGET = { atMost: 1.08 };
const MASKED = { ablate: [{ layer: 1, expert: 2 }] };

const WAYS = [
  {
    way: 'processor time, 1 thread',
    timer: timers.processor,
    options: { threads: 1 }
  },
  { way: 'by the clock', timer: timers.elapsed, options: {} }
];

async function compare(name, model, ids, counts) {
  const plain = forward(model.inputs, ids);
  const edited = edits =>
    forward(model.inputs, ids, step => model.editFeeds(edits, step));
  for (const { way, timer, options } of WAYS) {
    const result = await ratios(
      {
        plain: () => model.plain(plain, options),
        inputs: () => model.edited(edited({}), options),
        masked: () => model.edited(edited(MASKED), options),
        control: () => model.plain(plain, options)
      },
      'plain',
      { ...counts, timer }
    );
    const rounds = `${counts.blocks} x ${counts.rounds} rounds`;
    const { control } = result;
    report(
      'Edit inputs against untouched graph',
      `${name}, nothing edited, ${way}`,
      result.inputs.ratio,
      'x',
      rounds,
      { measured: result.inputs, control, target: TARGET }
    );
    report(
      'Edit inputs against untouched graph',
      `${name}, one expert masked, ${way}`,
      result.masked.ratio,
      'x',
      rounds,
      { measured: result.masked, control, better: 'less' }
    );
  }
}

const demo = prepare(DEMO);
await compare('demo model, 128-token forward', demo, tokenIds(128), {
  blocks: 8,
  rounds: 6
});
await compare('demo model, 512-token forward', demo, tokenIds(512), {
  blocks: 8,
  rounds: 4
});

const folder = mkdtempSync(join(tmpdir(), 'moe-debugger-bench-'));
try {
  const { parameters } = writeSyntheticModel(folder, MEDIUM);
  await compare(
    `${Math.round(parameters / 1e6)} M parameters, 512-token forward`,
    prepare(folder),
    tokenIds(512),
    { blocks: 6, rounds: 3 }
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
