/** Finds the circuit that carries the difference between two prompts to a target. */
import { MoEDebuggerError } from '../../base/errors';
import { editNotes, type Runnable } from '../../run/model/runnable';
import type { Prompt } from '../../run/model/prompt';
import { measureNodes, nodeEffects } from '../patching/node-effects';
import type { Corrupted } from '../patching/options';
import { rankOf, targetNode } from '../patching/patch-nodes';
import { branchId } from '../patching/sources';
import { runBoth, type TwoRuns } from '../patching/two-runs';
import {
  effectStrength,
  type CircuitDocument,
  type CircuitEdge,
  type CircuitFaithfulness,
  type CircuitNode
} from '../../base/protocol';
import { Circuit } from './circuit';
import { edgeEffects, type EdgeEffects } from './edge-effects';
import { curveSizes, measureFaithfulness, type Unit } from './faithfulness';
import {
  DEFAULT_MEASURED,
  DEFAULT_RANDOM,
  DEFAULT_SIZE,
  DEFAULT_STEPS,
  FAITHFUL,
  MAX_STEPS,
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
  checkOptions(options);
  const {
    direction = 'noising',
    steps = DEFAULT_STEPS,
    measure = DEFAULT_MEASURED,
    randomCircuits = DEFAULT_RANDOM,
    seed = 0,
    signal
  } = options;
  const runs = await runBoth(model, clean, corrupted, options);
  const progress = new Progress(options, 1 + steps);
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
    nodes: allNodes(runs, nodes, found),
    edges: edges.slice(0, MAX_EDGES),
    edgesLeftOut: Math.max(0, edges.length - MAX_EDGES),
    threshold:
      options.threshold ?? thresholdOf(units, sizeOf(options, faithfulness)),
    ...(faithfulness ? { faithfulness } : {}),
    ...(correlation ? { correlation } : {}),
    notes: [...editNotes(model), ...runs.notes, ...notesOn(runs, units)]
  };
  return new Circuit(data, runs);
}

/** Counts runs; the total grows as more runs become known. */
class Progress {
  private _done = 0;

  constructor(
    private readonly _options: CircuitOptions,
    private _total: number
  ) {}

  plan(more: number): void {
    this._total += more;
  }

  add(count: number): void {
    this._done += count;
    this._options.onProgress?.({ done: this._done, total: this._total });
  }
}

function checkOptions(options: CircuitOptions): void {
  const {
    steps = 1,
    measure = 0,
    randomCircuits = 0,
    seed = 0,
    threshold = 0
  } = options;
  const size = options.size ?? 0;
  for (const [where, value, least, most] of [
    ['steps', steps, 1, MAX_STEPS],
    ['measure', measure, 0, 1e6],
    ['randomCircuits', randomCircuits, 0, 1000],
    ['seed', seed, 0, Number.MAX_SAFE_INTEGER],
    ['size', size, 0, Number.MAX_SAFE_INTEGER]
  ] as const) {
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new MoEDebuggerError('input', `${where} cannot be ${value}`, {
        where,
        hint: `give a whole number of ${least} to ${most}`
      });
    }
  }
  if (!Number.isFinite(threshold) || threshold < 0) {
    throw new MoEDebuggerError(
      'input',
      `the threshold cannot be ${threshold}`,
      {
        where: 'threshold',
        hint: 'give a number of at least 0'
      }
    );
  }
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

/** All nodes, including the target's and those that read the stream for several others. */
function allNodes(
  { layout }: TwoRuns,
  nodes: readonly CircuitNode[],
  found: EdgeEffects | undefined
): CircuitNode[] {
  const { branches } = layout;
  const reading = new Set(found?.readers.map(({ node }) => node));
  const withReaders = nodes.map((node): CircuitNode => {
    const branch = branches.find(
      (own, i) => node.rank === rankOf(i, 1) && reading.has(branchId(own))
    );
    return branch && !reading.has(node.id)
      ? { ...node, within: branchId(branch) }
      : node;
  });
  return [...withReaders, { ...targetNode(layout), effect: null }];
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
