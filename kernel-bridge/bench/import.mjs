/**
 * Importing ESFT's 26 files into Parquet against reading them with pandas, in turns on the same machine. The files
 * are the published ones if ESFT_TRACE names their folder, and else made up in the same shape.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { venvPython } from '../../scripts/paths.mjs';
import { quantile, report } from './measuring/report.mjs';
import { importTrace } from '../lib/files/import/index.js';

const here = dirname(fileURLToPath(import.meta.url));
const PUBLISHED = process.env.ESFT_TRACE ?? '';
const ROUNDS = 9;
const SECTION = 'Import';

/** 26 layers, 127 sequences, 8,222 tokens, 6 of 64 experts each, as ESFT's are. */
function madeUp(folder) {
  let state = 1;
  const below = n => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  for (let layer = 1; layer <= 26; layer++) {
    const lines = Array.from({ length: 127 }, (_, sequence) => {
      const tokens = 64 + (sequence < 94 ? 1 : 0);
      const ids = Array.from({ length: tokens }, () => {
        const first = below(64);
        return Array.from({ length: 6 }, (__, rank) => (first + 9 * rank) % 64);
      }).flat();
      const weights = ids.map(() => (below(4000) / 1e4).toFixed(4));
      return `${ids.join('\t')}\t\t${weights.join('\t')}\n`;
    });
    writeFileSync(
      join(folder, `expert_weights_${layer}.txt.gz`),
      gzipSync(lines.join(''))
    );
  }
}

/** A Python process that reads the files whenever it is asked to. */
function reader(files, how) {
  const child = spawn(
    venvPython,
    [join(here, 'programs/read_esft.py'), files, how],
    { stdio: ['pipe', 'pipe', 'inherit'] }
  );
  const lines = createInterface({ input: child.stdout })[
    Symbol.asyncIterator
  ]();
  return {
    async seconds() {
      child.stdin.write('\n');
      const { value, done } = await lines.next();
      if (done) {
        throw new Error('pandas could not read the files');
      }
      return Number(value);
    },
    async end() {
      child.stdin.end();
      await once(child, 'close');
    }
  };
}

const hasPandas =
  spawnSync(venvPython, ['-c', 'import pandas'], { stdio: 'ignore' }).status ===
  0;
if (!hasPandas) {
  report(
    SECTION,
    'ESFT into Parquet over reading with pandas',
    'not measured',
    '',
    'pandas is not installed'
  );
} else {
  const folder = mkdtempSync(join(tmpdir(), 'moe-debugger-bench-'));
  try {
    const published = existsSync(PUBLISHED);
    if (!published) {
      madeUp(folder);
    }
    const files = published ? PUBLISHED : folder;
    const ours = {
      async seconds() {
        const start = performance.now();
        await importTrace('esft', files, { out: join(folder, 'out.parquet') });
        return (performance.now() - start) / 1000;
      },
      end: async () => undefined
    };
    const arms = {
      ours,
      numbers: reader(files, 'numbers'),
      text: reader(files, 'text')
    };
    const names = Object.keys(arms);
    const rounds = [];
    for (let round = -2; round < ROUNDS; round++) {
      const times = {};
      for (let i = 0; i < names.length; i++) {
        const name = names[(i + Math.max(round, 0)) % names.length];
        times[name] = await arms[name].seconds();
      }
      if (round >= 0) {
        rounds.push(times);
      }
    }
    await Promise.all(Object.values(arms).map(arm => arm.end()));
    const middle = values => quantile(values, 0.5);
    const what = `${published ? "ESFT's published files" : 'made up in the shape of ESFT’s files, which are not here'}, ${ROUNDS} rounds in turns`;
    report(
      SECTION,
      'ESFT, 26 files into Parquet',
      middle(rounds.map(({ ours: seconds }) => seconds)),
      's',
      `8,222 tokens at 26 layers, 1.28 M slots; ${what}`
    );
    for (const [arm, name] of [
      ['numbers', 'over pandas reading them as numbers'],
      ['text', 'over pandas reading lines as two texts, no number parsed']
    ]) {
      const ratio = rounds.map(times => times.ours / times[arm]);
      report(
        SECTION,
        name,
        middle(ratio),
        'x',
        `${quantile(ratio, 0.1).toFixed(2)} to ${quantile(ratio, 0.9).toFixed(2)} in 8 of 10 rounds; pandas ${middle(rounds.map(times => times[arm])).toFixed(3)} s`,
        arm === 'numbers' ? { target: { atMost: 3 } } : {}
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
