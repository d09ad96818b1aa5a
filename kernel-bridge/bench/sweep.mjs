/**
 * A full sweep of the demo model over 32 prompts against one run an ablation: what a program would write with
 * `model.with({ ablate }).trace(prompt)`, comparing distributions itself. One run an ablation is measured on a sample of
 * the (prompt, expert) pairs, spread over all of them, before, between and after the sweeps, and multiplied up.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median, report } from './measuring/report.mjs';
import { loadModel } from '../lib/index.js';
import { divergence, logProbability } from '../lib/base/statistics/logits.js';

const DEMO = join(dirname(fileURLToPath(import.meta.url)), '../../models/demo');
const SECTION = 'Sweep of every expert';
const PROMPTS = 32;
const SAMPLED = 192;
const ROUNDS = 3;

const texts = join(DEMO, 'data');
const byDomain = readdirSync(texts).map(file =>
  readFileSync(join(texts, file), 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
);
// From each domain in turn.
const prompts = Array.from({ length: PROMPTS }, (_, i) => {
  const domain = byDomain[i % byDomain.length];
  const { ids, domain: name } = domain[Math.floor(i / byDomain.length)];
  return { id: `p${i}`, domain: name, inputIds: ids };
});

const model = await loadModel(DEMO);
const experts = model.layers.flatMap(card =>
  'experts' in card
    ? Array.from({ length: card.experts }, (_, expert) => ({
        layer: card.layer,
        expert
      }))
    : []
);
const pairs = experts.length * prompts.length;

const logitsOf = trace => [...trace.outputLogits.values()][0];
const plain = [];
for (const prompt of prompts) {
  plain.push(logitsOf(await model.trace(prompt, { logits: 'all' })));
}

/** The figures of one pair by a run of its own. */
async function alone(index) {
  const edit = experts[index % experts.length];
  const at = Math.floor(index / experts.length);
  const trace = await model
    .with({ ablate: [edit] })
    .trace(prompts[at], { logits: 'all' });
  const { data, width } = logitsOf(trace);
  const before = plain[at].data;
  const kl = [];
  for (let start = 0; start < data.length; start += width) {
    kl.push(
      divergence(
        before.subarray(start, start + width),
        data.subarray(start, start + width)
      )
    );
  }
  const last = data.length - width;
  const own = before.subarray(last);
  const target = own.indexOf(own.reduce((a, b) => Math.max(a, b)));
  return {
    klLast: kl[kl.length - 1],
    deltaLogProb:
      logProbability(data.subarray(last), target) - logProbability(own, target)
  };
}

const step = pairs / SAMPLED;
const sample = Array.from({ length: SAMPLED }, (_, i) => Math.floor(i * step));
/** Milliseconds a pair of every nth of the sample. */
async function oneByOne(offset, every) {
  const chosen = sample.filter((_, i) => i % every === offset);
  const start = performance.now();
  for (const index of chosen) {
    await alone(index);
  }
  return (performance.now() - start) / chosen.length;
}

async function timed(work) {
  const start = performance.now();
  const result = await work();
  return { seconds: (performance.now() - start) / 1000, result };
}

// Both sides load what they run on before they are timed; what the sweep's first run costs more is told apart.
await alone(0);
const first = await timed(() => model.sweep(prompts));
const ratios = [];
const sweeps = [];
const singles = [];
for (let round = 0; round < ROUNDS; round++) {
  const before = await oneByOne(2 * round, 2 * ROUNDS);
  const { seconds, result } = await timed(() => model.sweep(prompts));
  const after = await oneByOne(2 * round + 1, 2 * ROUNDS);
  const single = (before + after) / 2;
  ratios.push((single * pairs) / 1000 / seconds);
  sweeps.push(seconds);
  singles.push(single);
  console.log(
    `round ${round + 1}: sweep ${seconds.toFixed(2)} s, ${result.timing.runs} rows in ${result.timing.batches} batches; alone ${single.toFixed(1)} ms a pair`
  );
}
report(
  SECTION,
  'one run an ablation / sweep',
  median(ratios),
  'x',
  `demo model, ${experts.length} experts, ${PROMPTS} prompts of 48 tokens, ${pairs} pairs; rounds ${ratios.map(x => x.toFixed(2)).join(', ')}; one run an ablation measured on ${SAMPLED} pairs`,
  { target: { atLeast: 3 } }
);
report(
  SECTION,
  'sweep',
  median(sweeps),
  's',
  `the first one, which loads its session, ${first.seconds.toFixed(2)} s`
);
report(
  SECTION,
  'one run an ablation',
  median(singles),
  'ms',
  `a pair, with its comparison; ${((median(singles) * pairs) / 1000).toFixed(1)} s for all`
);

// The same numbers: experts over a prompt each, one run an ablation.
let largest = 0;
const effects = await model.sweep(prompts[0]);
for (const [index, row] of effects.rows.entries()) {
  const expected = await alone(index);
  for (const figure of ['klLast', 'deltaLogProb']) {
    largest = Math.max(largest, Math.abs(row[figure] - expected[figure]));
  }
}
report(
  SECTION,
  'largest difference of a figure',
  largest,
  'nats',
  `all ${experts.length} experts on one prompt`,
  { target: { atMost: 1e-5 } }
);
await model.dispose();
