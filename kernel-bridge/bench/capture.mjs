/**
 * What capturing costs: the graph with routing outputs against the untouched file, both through the engine, with the
 * same feeds and the same logits returned. "Control" is a second session of the untouched file.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ratios } from './measuring/ratio.mjs';
import { format, report } from './measuring/report.mjs';
import {
  cachedDecoding,
  forward,
  prepare,
  singleTokens,
  tokenIds
} from './measuring/sessions.mjs';
import { MEDIUM, writeSyntheticModel } from './models/synthetic-model.mjs';

const DEMO = join(dirname(fileURLToPath(import.meta.url)), '../../models/demo');

async function compare(section, name, model, work, counts, target) {
  const result = await ratios(
    {
      plain: () => model.plain(work),
      captured: () => model.captured(work),
      control: () => model.plain(work)
    },
    'plain',
    counts
  );
  const words = ({ ratio, low, high }) =>
    `${format(ratio)} [${format(low)}, ${format(high)}]`;
  report(
    section,
    name,
    result.captured.ratio,
    'x',
    `95 % interval [${format(result.captured.low)}, ${format(result.captured.high)}]; control ${words(result.control)}; ${counts.blocks} x ${counts.rounds} rounds; ${target}`
  );
}

const demo = prepare(DEMO);
const section = 'Captured against untouched graph';
const small = 'target <= 1.02';
await compare(
  section,
  'demo model, 512-token forward',
  demo,
  forward(demo.inputs, tokenIds(512)),
  { blocks: 10, rounds: 6 },
  small
);
await compare(
  section,
  'demo model, 64 one-token runs',
  demo,
  singleTokens(demo.inputs, 64),
  { blocks: 10, rounds: 6 },
  small
);

const folder = mkdtempSync(join(tmpdir(), 'moe-debugger-bench-'));
try {
  const { parameters } = writeSyntheticModel(folder, MEDIUM);
  const model = prepare(folder);
  const what = `${Math.round(parameters / 1e6)} M parameters`;
  const within = "target: within the control's noise";
  await compare(
    section,
    `${what}, 512-token forward`,
    model,
    forward(model.inputs, tokenIds(512)),
    { blocks: 7, rounds: 3 },
    within
  );
  await compare(
    section,
    `${what}, 64 cached tokens`,
    model,
    cachedDecoding(model.inputs, 16, 64),
    { blocks: 7, rounds: 3 },
    within
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
