/**
 * Measures of routing: 1,000,000 tokens x 32 layers x top-8 of 64 experts, in processor time of one core, beside NumPy
 * doing the same to the same data in the same run. One event is one token in one layer. Data are made in blocks, outside the
 * measured time.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median, report } from './measuring/report.mjs';
import { RouterTally } from '../lib/measures/router-tally.js';
import { layerMetrics } from '../lib/measures/metrics.js';

const SECTION = 'Measures of routing';
const EXPERTS = 64;
const TOP_K = 8;
const TOKENS = 1_000_000;
const LAYERS = 32;
/** Tokens of a sequence, and of a block of NumPy's. */
const SEQUENCE = 4096;
const BLOCK = 65_536;
const LOGIT_TOKENS = 131_072;
const ROUNDS = 3;

const seconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/** A repeatable stream of tokens: experts by uneven odds without repeats, weights that fall and sum to 1. */
class Routing {
  #state = 1;
  #order = Int32Array.from({ length: EXPERTS }, (_, e) => e);

  next(tokens) {
    const selected = new Int32Array(tokens * TOP_K);
    const weights = new Float32Array(tokens * TOP_K);
    const order = this.#order;
    for (let at = 0; at < selected.length; at += TOP_K) {
      let sum = 0;
      let weight = 1;
      for (let i = 0; i < TOP_K; i++) {
        const odds = this.#random();
        const j = i + Math.floor(odds * Math.sqrt(odds) * (EXPERTS - i));
        const expert = order[j];
        order[j] = order[i];
        order[i] = expert;
        selected[at + i] = expert;
        weight *= 0.5 + this.#random() / 2;
        weights[at + i] = weight;
        sum += weight;
      }
      for (let i = 0; i < TOP_K; i++) {
        weights[at + i] /= sum;
      }
    }
    return { selected, weights };
  }

  /** Of which the experts that were selected are the largest, in their order. */
  logits({ selected }) {
    const tokens = selected.length / TOP_K;
    const logits = new Float32Array(tokens * EXPERTS);
    for (let i = 0; i < logits.length; i++) {
      logits[i] = 6 * this.#random() - 5;
    }
    for (let at = 0; at < selected.length; at += TOP_K) {
      let logit = 1;
      for (let i = TOP_K - 1; i >= 0; i--) {
        logit += this.#random() / 2;
        logits[(at / TOP_K) * EXPERTS + selected[at + i]] = logit;
      }
    }
    return logits;
  }

  #random() {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) / 2 ** 32;
  }
}

const tally = layer =>
  new RouterTally({ layer, experts: EXPERTS, topK: TOP_K, score: 'softmax' });

/** Adds a stretch of one sequence; returns the seconds that it took. */
function add(router, block, continues) {
  const start = seconds();
  router.add(block, { continues });
  return seconds() - start;
}

/** @typedef {{ selected: Int32Array, weights: Float32Array, logits?: Float32Array }} Routed */

function part({ selected, weights, logits }, from, to) {
  return {
    selected: selected.subarray(from * TOP_K, to * TOP_K),
    weights: weights.subarray(from * TOP_K, to * TOP_K),
    ...(logits && { logits: logits.subarray(from * EXPERTS, to * EXPERTS) })
  };
}

/**
 * All layers. Without logits each from data of its own; with them from the same stretch again and again, since making
 * logits takes longer than measuring them.
 */
function wholeRun(stretch) {
  const routing = new Routing();
  let spent = 0;
  for (let layer = 0; layer < LAYERS; layer++) {
    const router = tally(layer);
    for (let done = 0; done < TOKENS; done += BLOCK) {
      const tokens = Math.min(BLOCK, TOKENS - done);
      const from = done % LOGIT_TOKENS;
      const block = stretch
        ? part(stretch, from, from + tokens)
        : routing.next(tokens);
      spent += add(router, block, done > 0);
    }
    const start = seconds();
    layerMetrics(router);
    spent += seconds() - start;
  }
  return (TOKENS * LAYERS) / spent / 1e6;
}

const peakMemory = () => process.resourceUsage().maxRSS / 1024;

/**
 * What copying logits takes, which every kernel in WebAssembly has to: most events a second that there could be.
 * @param {Routed} data
 */
function copying({ logits }) {
  const chunk = 512 * EXPERTS;
  const target = new Float32Array(chunk);
  const times = [];
  for (let round = 0; round < 2 * ROUNDS + 1; round++) {
    const start = seconds();
    for (let from = 0; from < logits.length; from += chunk) {
      target.set(logits.subarray(from, from + chunk));
    }
    times.push(seconds() - start);
  }
  return logits.length / EXPERTS / median(times) / 1e6;
}

/** One router, on data that NumPy gets too. */
function oneRouter(data, tokens) {
  const router = tally(0);
  let spent = 0;
  for (let from = 0; from < tokens; from += SEQUENCE) {
    const block = part(data, from, Math.min(tokens, from + SEQUENCE));
    spent += add(router, block, from > 0);
  }
  const start = seconds();
  const metrics = layerMetrics(router);
  return { spent: spent + seconds() - start, metrics, router };
}

function numpy(folder, tokens, logits) {
  const python = fileURLToPath(
    new URL('../../.venv/bin/python', import.meta.url)
  );
  const { status, stdout, stderr } = spawnSync(
    existsSync(python) ? python : 'python3',
    [
      fileURLToPath(new URL('programs/routing_metrics.py', import.meta.url)),
      ...[EXPERTS, TOP_K, tokens, BLOCK].map(String),
      join(folder, 'ids'),
      join(folder, 'weights'),
      logits ? join(folder, 'logits') : ''
    ],
    {
      encoding: 'utf8',
      env: {
        ...process.env,
        OPENBLAS_NUM_THREADS: '1',
        OMP_NUM_THREADS: '1',
        MKL_NUM_THREADS: '1'
      }
    }
  );
  if (status !== 0) {
    if (/No module named/.test(stderr ?? '')) {
      return undefined;
    }
    throw new Error(`NumPy did not run: ${stderr}`);
  }
  return JSON.parse(stdout);
}

/** The same figures, or the comparison is of different things. */
function checkSame(metrics, router, theirs) {
  const pairs = [
    [metrics.jain, theirs.jain],
    [metrics.meanOverlap, theirs.overlap],
    [metrics.firstChoiceRepetition, theirs.repeats],
    [router.pairs()[1], theirs.pairs],
    [metrics.meanTokenEntropy || 0, theirs.entropy]
  ];
  for (const [ours, others] of pairs) {
    if (!(Math.abs(ours - others) <= 1e-5 * Math.max(1, Math.abs(others)))) {
      throw new Error(`${ours} is not NumPy's ${others}`);
    }
  }
}

/** @param {Routed} data */
function compare(folder, data, tokens, what) {
  const ours = [];
  const theirs = [];
  for (let round = 0; round < ROUNDS; round++) {
    const { spent, metrics, router } = oneRouter(data, tokens);
    const other = numpy(folder, tokens, data.logits);
    if (!other) {
      report(
        SECTION,
        `${what}, ours over NumPy`,
        'not measured',
        '',
        'NumPy is not installed in .venv'
      );
      return;
    }
    checkSame(metrics, router, other);
    ours.push(spent);
    theirs.push(other.seconds);
  }
  const rate = times => tokens / median(times) / 1e6;
  const size = `${tokens.toLocaleString('en')} tokens of one router, median of ${ROUNDS}`;
  report(
    SECTION,
    `${what}, beside NumPy`,
    rate(ours),
    'million events/s',
    size
  );
  report(SECTION, `${what}, NumPy`, rate(theirs), 'million events/s', size);
  report(
    SECTION,
    `${what}, ours over NumPy`,
    rate(ours) / rate(theirs),
    'x',
    undefined,
    { target: { atLeast: 1 } }
  );
}

const size = `${TOKENS.toLocaleString('en')} tokens x ${LAYERS} layers x top-${TOP_K} of ${EXPERTS}, processor time of one core`;
report(
  SECTION,
  'experts and weights, whole run',
  wholeRun(),
  'million events/s',
  `${size}: load, balance, co-activation, repetition, windows and groups; not what needs logits`,
  { target: { atLeast: 20 } }
);
report(SECTION, 'peak memory of that run', peakMemory(), 'MB', undefined, {
  target: { atMost: 500 }
});

const folder = mkdtempSync(join(tmpdir(), 'moe-debugger-'));
try {
  const routing = new Routing();
  const stretch = routing.next(LOGIT_TOKENS);
  stretch.logits = routing.logits(stretch);
  report(
    SECTION,
    'all measures, with logits, whole run',
    wholeRun(stretch),
    'million events/s',
    `${size}, ${LOGIT_TOKENS.toLocaleString('en')} tokens repeated: all of the above, and entropy, confidence, margin, kept mass, z-loss, near misses and mean probabilities`,
    { target: { atLeast: 20 } }
  );
  report(
    SECTION,
    'peak memory with logits',
    peakMemory(),
    'MB',
    `of which ${Math.round(stretch.logits.byteLength / 2 ** 20)} MB logits`,
    { target: { atMost: 500 } }
  );
  report(
    SECTION,
    'copying the logits, and nothing else',
    copying(stretch),
    'million events/s',
    `${EXPERTS * 4} bytes an event`
  );
  const data = routing.next(TOKENS);
  for (const [name, values] of Object.entries({
    ids: data.selected,
    weights: data.weights,
    logits: stretch.logits
  })) {
    writeFileSync(join(folder, name), values);
  }
  compare(folder, data, TOKENS, 'experts and weights');
  writeFileSync(join(folder, 'ids'), stretch.selected);
  writeFileSync(join(folder, 'weights'), stretch.weights);
  compare(folder, stretch, LOGIT_TOKENS, 'all measures, with logits');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
