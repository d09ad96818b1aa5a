/** Finds the circuit that carries the difference between two prompts to a target. */
import { editNotes, type Runnable } from '../../run/model/runnable';
import type { Prompt } from '../../run/model/prompt';
import { measureNodes, nodeEffects } from '../patching/node-effects';
import type { Corrupted } from '../patching/options';
import { targetNode } from '../patching/patch-nodes';
import { runBoth, type TwoRuns } from '../patching/two-runs';
import {
  counted,
  effectStrength,
  type CircuitDocument,
  type CircuitEdge,
  type CircuitFaithfulness,
  type CircuitNode
} from '../../base/protocol';
import { checkOptions } from './check-options';
import { Circuit } from './circuit';
import { withReaders } from './circuit-nodes';
import { RunCount } from './run-count';
import { edgeEffects, type EdgeEffects } from './edge-effects';
import { curveSizes, measureFaithfulness, type Unit } from './faithfulness';
import {
  DEFAULT_MEASURED,
  DEFAULT_RANDOM,
  DEFAULT_SIZE,
  DEFAULT_STEPS,
  FAITHFUL,
  type CircuitOptions
} from './options';

/** Maximum number of edges in a document. */
const MAX_EDGES = 4096;

/**
 * @throws MoEDebuggerError 'input' for invalid prompts, targets or options; 'model-unsupported' if the residual stream
 * cannot be decomposed into branches; 'gradient' naming a node that cannot be differentiated, or when memory would not
 * suffice; 'cancelled'
 */
export async function findCircuit(
  model: Runnable,
  clean: Prompt,
  corrupted: Corrupted,
  options: CircuitOptions = {}
): Promise<Circuit> {
  checkOptions(options, { measure: [options.measure, 0, 1e6] });
  const {
    direction = 'noising',
    steps = DEFAULT_STEPS,
    measure = DEFAULT_MEASURED,
    randomCircuits = DEFAULT_RANDOM,
    seed = 0,
    signal
  } = options;
  const runs = await runBoth(model, clean, corrupted, options);
  const progress = new RunCount(options.onProgress, 1 + steps);
  progress.add(1);
  const gradientOptions = {
    direction,
    steps,
    onRun: () => progress.add(1),
    ...(signal ? { signal } : {})
  };
  const runOptions = {
    onRun: (count: number) => progress.add(count),
    ...(options.batchSize === undefined ? {} : { batch: options.batchSize }),
    ...(signal ? { signal } : {})
  };
  progress.plan(options.edges === false ? 0 : steps);
  const nodes = await nodeEffects(runs, gradientOptions);
  const found =
    options.edges === false
      ? undefined
      : await edgeEffects(runs, gradientOptions);
  const correlation =
    measure > 0
      ? await measureNodes(runs, nodes, direction, measure, seed, {
          ...runOptions,
          onPlanned: patches => progress.plan(patches)
        })
      : undefined;
  const units = found
    ? found.edges.map((edge): Unit => ({ edges: [edge], effect: edge.effect }))
    : sourceUnits(runs, nodes);
  let faithfulness: CircuitFaithfulness | undefined;
  if (options.faithfulness !== false) {
    const sizes = curveSizes(units.length);
    progress.plan(2 + (sizes.length - 2) * (1 + randomCircuits));
    faithfulness = {
      of: found ? 'edges' : 'nodes',
      total: units.length,
      points: await measureFaithfulness(runs, units, sizes, {
        ...runOptions,
        randomCircuits,
        seed
      })
    };
  }
  const edges = found ? documentEdges(runs, found) : [];
  const data: CircuitDocument = {
    schema: 'moe-debugger/circuit@1',
    model: model.onnx.name,
    ...runs.tokens,
    target: runs.target.described,
    direction,
    values: { clean: runs.clean.value, corrupted: runs.corrupted.value },
    nodes: [
      ...withReaders(runs.layout, nodes, found?.readers),
      { ...targetNode(runs.layout), effect: null }
    ],
    edges: edges.slice(0, MAX_EDGES),
    edgesLeftOut: Math.max(0, edges.length - MAX_EDGES),
    threshold:
      options.threshold ?? thresholdOf(units, sizeOf(options, faithfulness)),
    ...(faithfulness ? { faithfulness } : {}),
    ...(correlation ? { correlation } : {}),
    notes: [
      ...editNotes(model),
      ...runs.notes,
      ...notesOn(runs, units),
      ...(faithfulness ? noBetterThanRandom(faithfulness) : [])
    ]
  };
  return new Circuit(data, runs);
}

/** One unit per source: all its edges are left out together. */
function sourceUnits(
  { sources }: TwoRuns,
  nodes: readonly CircuitNode[]
): Unit[] {
  const effect = new Map(nodes.map(node => [node.id, node.effect ?? 0]));
  return sources
    .map(({ id }, source): Unit => ({
      edges: [{ source }],
      effect: effect.get(id) ?? 0
    }))
    .sort((a, b) => effectStrength(b) - effectStrength(a));
}

function documentEdges(
  { sources }: TwoRuns,
  { edges, readers }: EdgeEffects
): CircuitEdge[] {
  return edges.map(({ source, reader, effect }) => {
    const { node, input } = readers[reader];
    return {
      from: sources[source].id,
      to: node,
      ...(input ? { input } : {}),
      effect
    };
  });
}

/** Default size of a circuit, in edges or nodes. */
function sizeOf(
  { size }: CircuitOptions,
  faithfulness: CircuitFaithfulness | undefined
): number {
  const enough = faithfulness?.points.find(
    point =>
      point.faithfulness !== null &&
      point.faithfulness >= FAITHFUL &&
      point.faithfulness <= 2 - FAITHFUL
  );
  return size ?? enough?.size ?? DEFAULT_SIZE;
}

/** The effect of the weakest of some units. */
function thresholdOf(units: readonly Unit[], size: number): number {
  const weakest = units[Math.min(size, units.length) - 1];
  // Units without any effect are not part of a circuit.
  return weakest
    ? Math.max(effectStrength(weakest), Number.MIN_VALUE)
    : Number.MAX_VALUE;
}

/** Whether circuits of random edges or nodes bring the target back as well as those of the largest effects. */
export function noBetterThanRandom({
  of,
  points
}: CircuitFaithfulness): string[] {
  const compared = points.flatMap(({ faithfulness, random }) =>
    faithfulness !== null && random && random.mean !== null
      ? [{ own: Math.abs(1 - faithfulness), others: Math.abs(1 - random.mean) }]
      : []
  );
  const worse = compared.filter(({ own, others }) => own >= others).length;
  return worse > 0 && worse >= compared.length / 2
    ? [
        `at ${worse} of ${counted(compared.length, 'size')}, random ${of} bring the target as near to the clean run as those of the largest effects: the circuit explains little`
      ]
    : [];
}

function notesOn(
  { clean, corrupted, model }: TwoRuns,
  units: readonly Unit[]
): string[] {
  const difference = Math.abs(clean.value - corrupted.value);
  const strongest = units[0] ? effectStrength(units[0]) : 0;
  return [
    ...(difference === 0
      ? ['the target is the same in both prompts, so faithfulness is undefined']
      : difference < strongest / 2
        ? [
            `the target differs by ${difference.toPrecision(2)} between the prompts, and single parts move it by ${strongest.toPrecision(2)}: they cancel out, so shares of so small a difference mean little; choose prompts or a target that differ more`
          ]
        : []),
    ...(model.routers.some(
      ({ convention }) => convention.capacity !== undefined
    )
      ? ['experts have a capacity: dropped tokens add nothing']
      : [])
  ];
}
