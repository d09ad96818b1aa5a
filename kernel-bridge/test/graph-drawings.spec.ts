/** Drawings of circuits and of a counterfactual that were found in real models. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadModel } from '../src';
import { circuitPage } from '../src/analyses/circuits/circuit-page';
import { drawCausalGraph } from '../src/analyses/counterfactual/graph-drawing';
import {
  circuitDrawing,
  layoutGraph,
  type DrawnGraph
} from '../src/base/charts';
import {
  circuitThreshold,
  pruneCircuit,
  readCircuitDocument,
  type CircuitDocument
} from '../src/base/protocol';
import {
  crossedNodes,
  looseEdges,
  misplacedRanks,
  outside,
  overlaps
} from './drawing-checks';

const MODELS = join(__dirname, '../../models');
/** What `moe-debugger circuit models/demo --prompt "def fib(n):" --corrupted "def fib(x):" --json` found, its 300 strongest edges. */
const DEMO = readCircuitDocument(
  JSON.parse(
    readFileSync(join(__dirname, 'fixtures/demo-circuit.json'), 'utf8')
  )
);

function expectGood(graph: DrawnGraph, width: number): void {
  const layout = layoutGraph(graph)(width);
  expect(layout.nodes).toHaveLength(graph.nodes.length);
  expect(layout.edges).toHaveLength(graph.edges.length);
  expect({
    overlaps: overlaps(layout.nodes),
    crossed: crossedNodes(graph, layout),
    loose: looseEdges(graph, layout),
    misplaced: misplacedRanks(graph, layout),
    outside: outside(layout)
  }).toEqual({
    overlaps: [],
    crossed: [],
    loose: [],
    misplaced: [],
    outside: []
  });
  expect(layout.width).toBeLessThanOrEqual(width);
}

/** Names of layers from the lowest band to the highest. */
function layersUpward(graph: DrawnGraph): string[] {
  return layoutGraph(graph)(900)
    .groups.map(({ name }) => name)
    .reverse();
}

function expectDrawn(data: CircuitDocument, size: number): void {
  const threshold = circuitThreshold(data, size);
  const graph = circuitDrawing(data, { threshold });
  const { nodes, edges } = pruneCircuit(data, threshold);
  expect(graph.nodes.map(({ lines }) => lines)).toEqual(
    nodes.map(({ id }) => [id])
  );
  expect(
    graph.edges
      .filter(({ dashed }) => !dashed)
      .map(({ from, to }) => [nodes[from].id, nodes[to].id])
  ).toEqual(edges.map(({ from, to }) => [from, to]));
  expectGood(graph, 300);
  expectGood(graph, 880);
}

describe('the drawing of a circuit of the demo', () => {
  it.each([1, 12, 60, 200, 300])('of %i edges has no faults', size => {
    expectDrawn(DEMO, size);
  });

  it('has its layers in their order', () => {
    expect(layersUpward(circuitDrawing(DEMO, { threshold: 0 }))).toEqual([
      '',
      ...[0, 1, 2, 3, 4, 5].flatMap(layer => [
        `${layer} attn`,
        `${layer} experts`
      ]),
      ''
    ]);
  });

  it('of 200 edges is laid out in well under a second', () => {
    const graph = circuitDrawing(DEMO, { maxEdges: 200 });
    layoutGraph(graph)(880);
    const before = process.cpuUsage();
    layoutGraph(graph)(880);
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(1);
  });

  it('has in its page a box for each node and a line for each edge, as wide as it is strong', () => {
    const threshold = circuitThreshold(DEMO, 12);
    const { nodes, edges } = pruneCircuit(DEMO, threshold);
    const page = circuitPage(DEMO, { threshold });
    expect(page.match(/<rect /g)).toHaveLength(nodes.length);
    const widths = [
      ...page.matchAll(/class="edge (?:up|down)".*?stroke-width="([\d.]+)"/g)
    ].map(match => Number(match[1]));
    expect(widths).toHaveLength(edges.length);
    expect(widths[0]).toBe(6);
    expect(widths).toEqual([...widths].sort((a, b) => b - a));
    expect(page.match(/class="edge down"/g)).toHaveLength(
      edges.filter(({ effect }) => effect < 0).length
    );
  });

  it('says how many edges it leaves out', () => {
    const threshold = circuitThreshold(DEMO, 300);
    const all = pruneCircuit(DEMO, threshold).edges.length;
    const page = circuitPage(DEMO, { threshold, maxEdges: 100 });
    const [, left] = page.match(/(\d+) weaker edges left out/)!;
    expect(page.match(/class="edge (?:up|down)"/g)).toHaveLength(
      all - Number(left)
    );
  });
});

it('the drawing of the circuit of induction has no faults', async () => {
  const model = await loadModel(join(MODELS, 'induction'));
  const clean = [5, 17, 40, 22, 61, 9, 33, 70, 5, 17, 40, 22, 61];
  const corrupted = clean.map((id, i) => (i === 5 ? 50 : id));
  const { data } = await model.circuit(clean, corrupted, {
    steps: 1,
    measure: 0,
    randomCircuits: 0,
    size: 16
  });
  await model.dispose();
  [8, 16, data.edges.length].forEach(size => expectDrawn(data, size));
  expect(layersUpward(circuitDrawing(data, { threshold: 0 }))).toEqual([
    '',
    '0 attn',
    '0 experts',
    '1 attn',
    '1 experts',
    ''
  ]);
});

it('the drawing of a counterfactual has no faults, and the edit at the bottom', async () => {
  const model = await loadModel(join(MODELS, 'demo'));
  const { graph, original } = await model.counterfactual('Der Wald war still', {
    ablate: [{ layer: 2, expert: 2 }]
  });
  await model.dispose();
  const drawing = drawCausalGraph(graph, original.samples[0], 80);
  expectGood(drawing, 880);
  const layers = layersUpward(drawing);
  expect(layers[0]).toBe('');
  expect(layers.slice(1, -1)).toEqual(
    [2, 3, 4, 5].map(layer => `layer ${layer}`)
  );
  expect(layers.at(-1)).toBe('');
});
