/** Finds the circuit that carries the difference between the prompts of many pairs to a target, and how sure it is. */
import { MoEDebuggerError } from '../../../base/errors';
import { pauses } from '../../../base/pause';
import {
  effectStrength,
  pruneCircuit,
  describeCircuitTarget,
  type CircuitEdge,
  type CircuitNode,
  type TaskCircuitDocument,
  type TaskCurve,
  type TaskPair
} from '../../../base/protocol';
import { mean, sampleDeviation } from '../../../base/statistics/summary';
import { CancelRequest, cancelledError } from '../../../run/engine/cancel';
import { editNotes, type Runnable } from '../../../run/model/runnable';
import { SteeringVectors } from '../../steering/steering-vectors';
import { checkOptions } from '../check-options';
import type { Unit } from '../faithfulness';
import {
  DEFAULT_RANDOM,
  DEFAULT_SIZE,
  DEFAULT_STEPS,
  FAITHFUL
} from '../options';
import { RunCount } from '../run-count';
import { confidenceOf, strongest, weightedMeans } from './confidence';
import { differencesOfMeans, tryDirections } from './directions';
import { measureCurve } from './measure-curve';
import {
  DEFAULT_CONTROLS,
  DEFAULT_RESAMPLES,
  type PromptPair,
  type TaskCircuitOptions
} from './options';
import { PairRunner } from './run-pairs';
import { scorePairs, type TaskGraph } from './score-pairs';
import { splitPairs, type NamedPair } from './split-pairs';
import { TaskCircuit } from './task-circuit';

/** Maximum number of edges in a document. */
const MAX_EDGES = 4096;

/**
 * @throws MoEDebuggerError 'input' for invalid pairs, naming the pair, and for options; as `findCircuit` otherwise
 */
export async function findTaskCircuit(
  model: Runnable,
  pairs: readonly PromptPair[],
  options: TaskCircuitOptions = {}
): Promise<TaskCircuit> {
  checkTaskOptions(options);
  const split = splitPairs(model, pairs, options.heldOut);
  const measured = split.heldOut.length > 0 ? split.heldOut : split.found;
  const cancel = new CancelRequest(options.signal);
  try {
    return await new TaskSearch(model, options, cancel).find(
      split.found,
      measured,
      split.notes
    );
  } finally {
    cancel.dispose();
  }
}

class TaskSearch {
  private readonly _runner: PairRunner;
  private readonly _count: RunCount;
  private readonly _seed: number;
  private readonly _resamples: number;

  constructor(
    private readonly _model: Runnable,
    private readonly _options: TaskCircuitOptions,
    private readonly _cancel: CancelRequest
  ) {
    this._runner = new PairRunner(_model, _options);
    this._count = new RunCount(_options.onProgress, 0);
    this._seed = _options.seed ?? 0;
    this._resamples = _options.resamples ?? DEFAULT_RESAMPLES;
  }

  async find(
    found: readonly NamedPair[],
    measured: readonly NamedPair[],
    notes: readonly string[]
  ): Promise<TaskCircuit> {
    const {
      edges: withEdges = true,
      steps = DEFAULT_STEPS,
      direction = 'noising',
      signal
    } = this._options;
    const same = measured === found;
    const all = same ? found : [...found, ...measured];
    this._count.plan(all.length + found.length * steps * (withEdges ? 2 : 1));
    const settled = await this._runner.settle(all, () => this._count.add(1));
    const described = settled.map(own => own.described);
    const own = described.slice(same ? 0 : found.length);
    const graph = await scorePairs(this._runner, found, withEdges, {
      direction,
      steps,
      onRun: () => this._count.add(1),
      ...(signal ? { signal } : {})
    });
    const units = unitsOf(graph);
    // Patching what raises the target lowers it; in the other direction it raises it.
    const whole = mean(
      described
        .slice(0, found.length)
        .map(({ values }) => values.clean - values.corrupted)
    );
    const towards = (whole < 0 ? -1 : 1) * (direction === 'noising' ? -1 : 1);
    const byStrength = [...units].sort(
      (a, b) => effectStrength(b) - effectStrength(a)
    );
    const curve =
      this._options.faithfulness === false
        ? undefined
        : await measureCurve(
            this._runner,
            measured,
            {
              strongest: byStrength,
              helpful: [...units].sort(
                (a, b) => towards * (b.effect - a.effect)
              )
            },
            {
              ...this._runs(),
              randomCircuits: this._options.randomCircuits ?? DEFAULT_RANDOM,
              seed: this._seed,
              resamples: this._resamples
            }
          );
    const size = this._size(byStrength, curve);
    const circuit = await this._confident(graph, size);
    const directions = await this._directions(graph, found, measured);
    const weakest = byStrength[Math.min(size, units.length) - 1];
    const data: TaskCircuitDocument = {
      schema: 'moe-debugger/task-circuit@1',
      model: this._model.onnx.name,
      target: targetText(described),
      pairs: described.slice(0, found.length),
      heldOut: same ? [] : own,
      direction,
      values: {
        clean: mean(own.map(({ values }) => values.clean)),
        corrupted: mean(own.map(({ values }) => values.corrupted))
      },
      of: withEdges ? 'edges' : 'nodes',
      total: units.length,
      resamples: this._resamples,
      ...circuit,
      size,
      threshold:
        this._options.threshold ??
        // Units without any effect are not part of a circuit.
        (weakest
          ? Math.max(effectStrength(weakest), Number.MIN_VALUE)
          : Number.MAX_VALUE),
      ...(curve ? { curve } : {}),
      ...(directions ? { directions: directions.tried } : {}),
      notes: [
        ...editNotes(this._model),
        ...notes,
        ...new Set(settled.flatMap(pair => pair.notes)),
        ...notesOn(described, own)
      ]
    };
    return new TaskCircuit(
      data,
      directions &&
        new SteeringVectors(
          this._model.onnx.name,
          directions.vectors.map((vector, point) => ({
            layer: directions.tried[point].layer,
            vector
          }))
        )
    );
  }

  private _size(units: readonly Unit[], curve: TaskCurve | undefined): number {
    const { size, threshold } = this._options;
    if (size !== undefined) {
      return Math.min(size, units.length);
    }
    if (threshold !== undefined) {
      return units.filter(unit => effectStrength(unit) >= threshold).length;
    }
    const enough = curve?.points.find(
      point => Math.abs(1 - point.strongest) <= 1 - FAITHFUL
    );
    return Math.min(enough?.size ?? DEFAULT_SIZE, units.length);
  }

  /** Nodes and edges with their mean effects and how sure they are. */
  private async _confident(
    graph: TaskGraph,
    size: number
  ): Promise<Pick<TaskCircuitDocument, 'nodes' | 'edges' | 'edgesLeftOut'>> {
    const { scored } = graph;
    const of = (kind: 'nodes' | 'edges'): Float64Array[] =>
      scored.map(pair => pair[kind]);
    const nodeMeans = meansOf(of('nodes'));
    const nodes = graph.nodes.map((node, i): CircuitNode => ({
      ...node,
      effect: node.effect === null ? null : nodeMeans[i]
    }));
    const at = new Map(nodes.map(({ id }, i) => [id, i]));
    const edgeMeans = meansOf(of('edges'));
    const toEdge = (i: number, means: Float64Array): CircuitEdge => {
      const { node, input } = graph.readers[graph.edges[i].reader];
      return {
        from: graph.sources[graph.edges[i].source].id,
        to: node,
        ...(input ? { input } : {}),
        effect: means[i]
      };
    };
    const step = this._step();
    const options = { resamples: this._resamples, seed: this._seed, step };
    const nodesIn = new Float64Array(nodes.length);
    const order = strongest(edgeMeans, MAX_EDGES);
    const edges =
      graph.edges.length === 0
        ? []
        : await confidenceOf(of('edges'), {
            ...options,
            columns: order,
            members: means => {
              const indices = strongest(means, size);
              const some = indices.map(i => toEdge(i, means));
              const kept = pruneCircuit({ nodes, edges: some }, 0);
              if (some.length > 0) {
                kept.nodes.forEach(({ id }) => nodesIn[at.get(id)!]++);
              }
              const inside = new Set(kept.edges);
              return indices.filter((_, i) => inside.has(some[i]));
            }
          });
    const sourceIndices = new Set(graph.sources.map(({ id }) => at.get(id)!));
    const ofNodes = await confidenceOf(of('nodes'), {
      ...options,
      columns: nodes.map((_, i) => i),
      members: means =>
        strongest(
          means.map((value, i) => (sourceIndices.has(i) ? value : 0)),
          size
        )
    });
    return {
      nodes: nodes.map((node, i) =>
        node.effect === null
          ? node
          : {
              ...node,
              confidence: {
                ...ofNodes[i],
                ...(edges.length > 0 && ofNodes[i].included !== null
                  ? { included: nodesIn[i] / this._resamples }
                  : {})
              }
            }
      ),
      edges: order.map((i, rank) => ({
        ...toEdge(i, edgeMeans),
        confidence: edges[rank]
      })),
      edgesLeftOut: graph.edges.length - order.length
    };
  }

  private async _directions(
    { scored }: TaskGraph,
    found: readonly NamedPair[],
    measured: readonly NamedPair[]
  ): Promise<
    | {
        vectors: Float32Array[];
        tried: NonNullable<TaskCircuitDocument['directions']>;
      }
    | undefined
  > {
    const rows = scored.map(pair => pair.rows);
    if (this._options.directions === false || rows[0].clean.length === 0) {
      return undefined;
    }
    const tested = this._options.directionLayer;
    const layers = rows[0].layers;
    if (tested !== undefined && !layers.includes(tested)) {
      throw new MoEDebuggerError(
        'input',
        `the stream after layer ${tested} does not reach the target`,
        { where: 'directionLayer', hint: `give one of ${layers.join(', ')}` }
      );
    }
    return {
      vectors: differencesOfMeans(rows).map(({ vector }) => vector),
      tried: await tryDirections(this._runner, found, measured, rows, {
        ...this._runs(),
        controls: this._options.controls ?? DEFAULT_CONTROLS,
        seed: this._seed,
        ...(tested === undefined ? {} : { tested: layers.indexOf(tested) })
      })
    };
  }

  private _runs(): {
    onRun: (count: number) => void;
    onPlanned: (count: number) => void;
    batch?: number;
    signal?: AbortSignal;
  } {
    const { batchSize, signal } = this._options;
    return {
      onRun: count => this._count.add(count),
      onPlanned: count => this._count.plan(count),
      ...(batchSize === undefined ? {} : { batch: batchSize }),
      ...(signal ? { signal } : {})
    };
  }

  /** Lets other work run now and then, and ends when cancelled. */
  private _step(): () => Promise<void> | undefined {
    const pause = pauses();
    return () => {
      if (this._cancel.requested) {
        throw cancelledError();
      }
      return pause();
    };
  }
}

function checkTaskOptions(options: TaskCircuitOptions): void {
  checkOptions(options, {
    resamples: [options.resamples, 1, 1e6],
    controls: [options.controls, 1, 1000]
  });
}

/** What circuits consist of: edges, or else whole sources. */
function unitsOf({ edges, sources, nodes, scored }: TaskGraph): Unit[] {
  if (edges.length > 0) {
    const means = meansOf(scored.map(pair => pair.edges));
    return edges.map((edge, i) => ({ edges: [edge], effect: means[i] }));
  }
  const means = meansOf(scored.map(pair => pair.nodes));
  const at = new Map(nodes.map(({ id }, i) => [id, i]));
  return sources.map(({ id }, source) => ({
    edges: [{ source }],
    effect: means[at.get(id)!]
  }));
}

function meansOf(rows: readonly Float64Array[]): Float64Array {
  const means = new Float64Array(rows[0].length);
  weightedMeans(
    rows,
    rows.map(() => 1),
    means
  );
  return means;
}

function targetText(pairs: readonly TaskPair[]): string {
  const texts = new Set(
    pairs.map(({ target }) => describeCircuitTarget(target))
  );
  return texts.size === 1
    ? [...texts][0]
    : `${pairs[0].target.kind}, of tokens or positions of its own in each pair`;
}

/** @param measured the pairs that circuits were measured on */
function notesOn(
  all: readonly TaskPair[],
  measured: readonly TaskPair[]
): string[] {
  const same = all.filter(
    ({ clean, corrupted }) =>
      Array.isArray(corrupted) &&
      clean.every(({ id }, i) => id === corrupted[i]?.id)
  ).length;
  const differences = measured.map(
    ({ values }) => values.clean - values.corrupted
  );
  const middle = mean(differences);
  const error = sampleDeviation(differences) / Math.sqrt(differences.length);
  return [
    ...(same > 0
      ? [
          `${same} of ${all.length} pairs have the same prompt twice: they carry no difference`
        ]
      : []),
    ...(middle === 0
      ? [
          'the target is the same in clean and corrupted prompts in the mean, so faithfulness, CPR and CMD are undefined'
        ]
      : Math.abs(middle) < 2 * error
        ? [
            `clean and corrupted differ by ${middle.toPrecision(2)} in the mean, with a standard error of ${error.toPrecision(2)}: the pairs do not agree on a difference, so faithfulness, CPR and CMD mean little`
          ]
        : [])
  ];
}
