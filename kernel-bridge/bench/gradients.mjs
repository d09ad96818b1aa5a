/**
 * What gradients cost: a run that gives a logit and its gradients by the embeddings, against one that gives the logit
 * alone, on the same prompt; how long the graph of the demo model takes to be differentiated; and integrated gradients
 * with the batch that measuring chooses, against one batch of all steps and against one by one.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { torchGradients } from './measuring/pytorch.mjs';
import { ratios } from './measuring/ratio.mjs';
import { format, median, report } from './measuring/report.mjs';
import { tokenIds } from './measuring/sessions.mjs';
import { loadModel } from '../lib/index.js';
import { gradientsOf } from '../lib/run/gradients/gradients-of.js';
import { differentiate } from '../lib/run/gradients/differentiate.js';
import { writeTarget } from '../lib/run/gradients/targets.js';
import { Graph } from '../lib/onnx/graph/graph.js';

const here = dirname(fileURLToPath(import.meta.url));
const DEMO = join(here, '../../models/demo');
const MEMORY_PROGRAM = join(here, 'programs/gradient-memory.mjs');
const MEMORY_RUNS = 3;
const SECTION = 'Gradients';
const TOKENS = 64;
const STEPS = 64;
const STEP_TOKENS = 24;

const THREADS = 1;
const TORCH_ROUNDS = 30;

const model = await loadModel(DEMO, { threads: THREADS });
/** What the public model is built on; its types do not show it. */
const { loaded } = /** @type {any} */ (model);
const gradients = gradientsOf(loaded);
const prepared = await gradients.prepare();
const target = /** @type {const} */ ({
  kind: 'entry',
  tensor: loaded.logits
});
const sequence = { ids: tokenIds(TOKENS) };
const at = { sequence, position: TOKENS - 1, index: 5 };

const times = [];
let nodes;
for (let round = 0; round < 5; round++) {
  const start = performance.now();
  const facts = prepared.facts.copy();
  const { graph, seeds } = writeTarget(
    prepared.interpolated.graph,
    facts,
    target.kind,
    target.tensor,
    prepared.ids
  );
  const derived = differentiate(new Graph(graph), facts, {
    seeds,
    by: [prepared.interpolated.embeddings],
    opset: loaded.onnx.opset
  });
  times.push(performance.now() - start);
  nodes = derived.nodes;
}
report(
  SECTION,
  'demo model, graph differentiated',
  median(times) / 1000,
  's',
  `${nodes.forward} nodes and ${nodes.backward} of gradients; median of ${times.length}; shapes and onnxruntime's own loading not counted`,
  { target: { atMost: 0.5 } }
);

const session = await gradients.session(target);
const forward = await gradients.session({ ...target, forwardOnly: true });
const keep = run => async () => ({ run, release: () => undefined });
const cost = await ratios(
  {
    forward: keep(() => forward.run(at)),
    both: keep(() => session.run(at, { gradients: ['embeddings'] })),
    control: keep(() => forward.run(at))
  },
  'forward',
  { blocks: 10, rounds: 6, warmups: 2 }
);
report(
  SECTION,
  `demo model, forward and backward against forward, ${TOKENS} tokens, batch 1`,
  cost.both.ratio,
  'x',
  `${THREADS} thread`,
  { measured: cost.both, control: cost.control, target: { atMost: 3 } }
);
await besidePyTorch();
measureMemory();

/** What runs of some sizes add to the memory of a process, beside what was foretold. */
function measureMemory() {
  for (const [tokens, batch] of [
    [256, 1],
    [TOKENS, 16],
    [STEP_TOKENS, STEPS]
  ]) {
    const name = `demo model, activations of gradients of ${batch} x ${tokens} tokens, foretold over measured`;
    if (!existsSync('/proc/self/clear_refs')) {
      report(SECTION, name, 'not measured', '', 'needs /proc');
      continue;
    }
    const runs = Array.from({ length: MEMORY_RUNS }, () =>
      JSON.parse(
        execFileSync(
          process.execPath,
          [MEMORY_PROGRAM, DEMO, String(tokens), String(batch)],
          { encoding: 'utf8' }
        )
      )
    );
    const added = median(runs.map(run => run.added));
    const [{ foretold }] = runs;
    report(
      SECTION,
      name,
      foretold / added,
      'x',
      `${foretold.toFixed(0)} and ${added.toFixed(0)} MB, median of ${MEMORY_RUNS} processes; a run above memoryLimit is refused by what is foretold`
    );
  }
}

/** The same passes over the same tokens in PyTorch: before ours and after, since a machine's speed drifts. */
async function besidePyTorch() {
  const name = `demo model, forward and backward against forward, ${TOKENS} tokens, in PyTorch`;
  const torch = () =>
    torchGradients(loaded.onnx, {
      ids: sequence.ids,
      index: at.index,
      threads: THREADS,
      rounds: TORCH_ROUNDS
    });
  const before = torch();
  if (!before) {
    report(SECTION, name, 'not measured', '', 'torch is not installed');
    return;
  }
  const ours = { forward: [], both: [] };
  let found;
  for (let round = 0; round < TORCH_ROUNDS; round++) {
    for (const [kind, run] of Object.entries({
      forward: () => forward.run(at),
      both: () => session.run(at, { gradients: ['embeddings'] })
    })) {
      const start = performance.now();
      found = await run();
      ours[kind].push((performance.now() - start) / 1000);
    }
  }
  checkSame(found, before);
  const after = torch();
  const least = kind => Math.min(...before[kind], ...after[kind]);
  report(
    SECTION,
    name,
    least('both') / least('forward'),
    'x',
    `PyTorch ${before.version}, the model written out as Hugging Face's, ${THREADS} thread, fastest of ${2 * TORCH_ROUNDS}`
  );
  for (const [kind, what] of [
    ['forward', 'forward'],
    ['both', 'forward and backward']
  ]) {
    report(
      SECTION,
      `demo model, ${what}, ${TOKENS} tokens, ours over PyTorch`,
      Math.min(...ours[kind]) / least(kind),
      'x',
      `fastest runs, ${format(1000 * Math.min(...ours[kind]))} and ${format(1000 * least(kind))} ms`,
      { better: 'less' }
    );
  }
}

/** The same logit and the same gradients, or the comparison is of different things. */
function checkSame({ values, gradients }, torch) {
  const { dims, data } = gradients.get('embeddings');
  const width = dims.at(-1);
  const ours = torch.gradients.map((_, t) =>
    Math.hypot(...data.subarray(t * width, (t + 1) * width))
  );
  const pairs = [
    [values[0], torch.value],
    ...ours.map((size, t) => [size, torch.gradients[t]])
  ];
  for (const [own, other] of pairs) {
    if (!(Math.abs(own - other) <= 1e-3 * Math.max(0.1, Math.abs(other)))) {
      throw new Error(`${own} is not PyTorch's ${other}`);
    }
  }
}

const attribute = batchSize =>
  keep(() =>
    model.attribute(
      { inputIds: tokenIds(STEP_TOKENS) },
      { target: { kind: 'logit', token: 5 }, steps: STEPS, batchSize }
    )
  );
// The first attribution chooses the batch, which later ones of equally many tokens take.
const { data } = await (await attribute()()).run();
const batches = await ratios(
  { measured: attribute(), all: attribute(STEPS), single: attribute(1) },
  'measured',
  { blocks: 4, rounds: 1 }
);
for (const [name, what] of [
  ['all', `one batch of ${STEPS}`],
  ['single', 'one by one']
]) {
  report(
    SECTION,
    `integrated gradients of ${STEP_TOKENS} tokens in ${STEPS} steps, ${what} against the measured batch`,
    batches[name].ratio,
    'x',
    `measured: ${data.batch} at once`,
    { measured: batches[name], target: { atLeast: 1 } }
  );
}
await model.dispose();
