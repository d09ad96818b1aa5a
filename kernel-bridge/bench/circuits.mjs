/**
 * What attribution patching saves: the effects of all nodes of the demo model at all tokens from one backward pass,
 * against patching each of them for real, in batches; and what a circuit's edges and their faithfulness cost.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ratios } from './measuring/ratio.mjs';
import { format, median, report } from './measuring/report.mjs';
import { tokenIds } from './measuring/sessions.mjs';
import { loadModel } from '../lib/index.js';

const DEMO = join(dirname(fileURLToPath(import.meta.url)), '../../models/demo');
const SECTION = 'Circuits';
const TOKENS = 12;

const model = await loadModel(DEMO);
const clean = tokenIds(TOKENS);
const corrupted = clean.map((id, i) => (i === 4 ? id + 7 : id));
const target = /** @type {const} */ ({ kind: 'logit', token: 5 });

// The first search loads the graphs, which later ones share.
const started = performance.now();
const circuit = await model.circuit(clean, corrupted, { target });
const first = performance.now() - started;
report(
  SECTION,
  'demo model, first circuit, graphs loaded',
  first / 1000,
  's',
  `${circuit.faithfulness.total} edges, ${circuit.nodes.length} nodes, ${TOKENS} tokens`
);
const times = [];
for (let round = 0; round < 3; round++) {
  const start = performance.now();
  await model.circuit(clean, corrupted, { target });
  times.push(performance.now() - start);
}
report(
  SECTION,
  'demo model, circuit with faithfulness, graphs at hand',
  median(times) / 1000,
  's',
  `gradients at 8 places, 128 patches, ${circuit.faithfulness.points.length} sizes beside 3 random circuits each`
);

const cells = circuit.nodes
  .filter(({ effects }) => effects)
  .flatMap(({ id, effects }) =>
    effects.map((_, position) => ({ node: id, position }))
  );
const keep = run => async () => ({ run, release: () => undefined });
const cost = await ratios(
  {
    first: keep(() =>
      model.attributionPatching(clean, corrupted, { target, measure: 0 })
    ),
    real: keep(() => model.patch(clean, corrupted, cells, { target })),
    control: keep(() =>
      model.attributionPatching(clean, corrupted, { target, measure: 0 })
    )
  },
  'first',
  { blocks: 4, rounds: 1 }
);
report(
  SECTION,
  `demo model, patching ${cells.length} nodes and tokens for real against first order`,
  cost.real.ratio,
  'x',
  `Pearson ${format(circuit.correlation.cells.pearson)} of ${circuit.correlation.cells.n}`,
  { measured: cost.real, control: cost.control, better: 'more' }
);
await model.dispose();
