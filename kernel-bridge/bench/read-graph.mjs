/** Reading a large model's graph, finding its routers and adding capture, weights left where they are. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median, report } from './measuring/report.mjs';
import { LARGE, writeSyntheticModel } from './models/synthetic-model.mjs';
import { readModel } from '../lib/onnx/file/model.js';
import { encodeModelProto } from '../lib/onnx/file/schema.js';
import { Graph } from '../lib/onnx/graph/graph.js';
import { findRouters } from '../lib/routing/find-routers.js';
import { captureGraph } from '../lib/routing/capture.js';

const RUNS = 5;

function readAndEdit(folder) {
  const marks = [performance.now()];
  const model = readModel(folder);
  marks.push(performance.now());
  const { routers } = findRouters(new Graph(model.proto.graph, model.file));
  marks.push(performance.now());
  const { graph } = captureGraph(model.proto.graph, routers);
  const bytes = encodeModelProto({ ...model.proto, graph });
  marks.push(performance.now());
  const [read, found, edited] = marks
    .slice(1)
    .map((mark, i) => mark - marks[i]);
  return {
    read,
    found,
    edited,
    total: marks[3] - marks[0],
    routers: routers.length,
    bytes: bytes.length
  };
}

const folder = mkdtempSync(join(tmpdir(), 'moe-debugger-bench-'));
try {
  const { nodes, parameters, bytes } = writeSyntheticModel(folder, LARGE, {
    sparse: true
  });
  // The first run is what a user meets, before anything is compiled.
  const runs = Array.from({ length: RUNS }, () => readAndEdit(folder));
  const [first] = runs;
  if (first.routers !== LARGE.layers) {
    throw new Error(
      `${first.routers} routers were found where there are ${LARGE.layers}`
    );
  }
  const what = `${LARGE.layers} layers, ${LARGE.experts} experts, ${nodes.toLocaleString('en')} nodes, ${(bytes / 1e9).toFixed(1)} GB of weights, ${(parameters / 1e9).toFixed(2)} billion parameters`;
  const parts = ({ read, found, edited }) =>
    `read ${read.toFixed(0)}, routers ${found.toFixed(0)}, capture and encode ${edited.toFixed(0)} ms`;
  report(
    'Reading and editing a large graph',
    'first time',
    first.total / 1000,
    's',
    `${what}; ${parts(first)}`,
    { target: { atMost: 2 } }
  );
  report(
    'Reading and editing a large graph',
    'again, median',
    median(runs.slice(1).map(({ total }) => total)) / 1000,
    's',
    `${RUNS - 1} runs`
  );
  report(
    'Reading and editing a large graph',
    'edited graph',
    first.bytes / 2 ** 20,
    'MB',
    'what onnxruntime is given'
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
