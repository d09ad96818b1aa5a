/**
 * Routing events a second from the engine's outputs to a trace, inference left out: a captured run's flat arrays are
 * read, checked against each layer's convention and made into a RoutingTrace. One event is one token in one layer.
 */
import { median, report } from './measuring/report.mjs';
import { readCapture } from '../lib/run/capture/read-capture.js';
import { CAPTURE_OUTPUTS } from '../lib/routing/capture.js';
import { route } from '../lib/routing/route.js';
import { RoutingTrace } from '../lib/run/trace/routing-trace.js';

const LAYERS = 32;
const RUNS = 15;

function captured({ experts, topK, tokens }) {
  const convention = /** @type {const} */ ({
    score: 'softmax',
    scoreBeforeTopK: true,
    renormalized: true
  });
  const routers = Array.from({ length: LAYERS }, (_, layer) => ({
    layer,
    experts,
    topK,
    convention,
    pattern: 'softmax > top-k > renormalise',
    tensors: {
      logits: `l${layer}`,
      logitsAre: 'logits',
      selected: [`s${layer}`],
      weights: [`w${layer}`]
    },
    sharedExperts: 0,
    selectors: []
  }));
  const segments = width => routers.map((_, router) => ({ router, width }));
  const noSegments = Object.fromEntries(
    Object.keys(CAPTURE_OUTPUTS).map(kind => [kind, []])
  );
  const plan = {
    segments: {
      ...noSegments,
      logits: segments(experts),
      selected: segments(topK),
      weights: segments(topK)
    },
    outputs: [
      'moe_debugger/logits',
      'moe_debugger/selected',
      'moe_debugger/weights'
    ]
  };
  let state = 1;
  const logits = Float32Array.from(
    { length: LAYERS * tokens * experts },
    () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 30;
    }
  );
  const { selected, weights } = route(logits, experts, topK, convention);
  const value = (type, data) => ({ type, dims: [data.length], data });
  const outputs = {
    'moe_debugger/logits': value('float32', logits),
    'moe_debugger/selected': value('int32', selected),
    'moe_debugger/weights': value('float32', weights)
  };
  return { routers, plan, outputs, tokens };
}

function trace({ routers, plan, outputs, tokens }) {
  const layers = readCapture(routers, plan, outputs, () => tokens);
  const sample = {
    id: '0',
    tokens: Array.from({ length: tokens }, (_, position) => ({
      position,
      id: position
    })),
    layers
  };
  return new RoutingTrace({
    id: 'bench',
    model: 'bench',
    samples: [sample],
    moeLayers: LAYERS,
    timing: { inference: 0 }
  });
}

for (const size of [
  { experts: 8, topK: 2, tokens: 512 },
  { experts: 64, topK: 8, tokens: 512 },
  { experts: 8, topK: 2, tokens: 1 }
]) {
  const run = captured(size);
  const repeats = Math.ceil(2048 / size.tokens);
  const rates = [];
  for (let i = -3; i < RUNS; i++) {
    const start = performance.now();
    for (let repeat = 0; repeat < repeats; repeat++) {
      trace(run);
    }
    const seconds = (performance.now() - start) / 1000;
    if (i >= 0) {
      rates.push((repeats * LAYERS * size.tokens) / seconds);
    }
  }
  report(
    'Routing events from engine to trace',
    `top-${size.topK} of ${size.experts}, ${size.tokens === 1 ? 'one token a run' : `${size.tokens} tokens a run`}`,
    median(rates) / 1e6,
    'million events/s',
    `${LAYERS} layers, median of ${RUNS}`,
    size.tokens === 1 ? {} : { target: { atLeast: 1 } }
  );
}
