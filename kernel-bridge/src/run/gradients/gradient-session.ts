/** Runs a graph that computes a target and its gradients. */
import type { Session } from '../engine/engine';
import type { TensorValue } from '../engine/messages';
import { toFloat32 } from '../engine/tensor-values';
import { MoEDebuggerError } from '../../base/errors';
import {
  wholeSequence,
  type ModelInputs,
  type Sequence,
  type Step
} from '../model/inputs';
import type { GraphProto } from '../../onnx/file/schema';
import { STEP_WEIGHTS } from './step-weights';
import { activationBytes, type RunSize } from './memory';
import { takenFeeds } from './taken-feeds';
import { integer, TARGET_INPUT } from './targets';
import type { TensorFacts } from './tensor-facts';

/** One run: a batch that repeats one sequence for each scale. */
export interface GradientRun {
  sequence: Sequence;
  /** Position of the token whose scores the target is read from. Default 0. */
  position?: number;
  /** Index of the target among the token's scores. Default 0. */
  index?: number;
  /** For kind 'difference': index of the score to subtract. Default 0. */
  against?: number;
  /** For kind 'kl': log-probabilities of the reference, [entries]. */
  reference?: Float32Array;
  /** For kind 'sum': the weight of each entry of the tensor. */
  weights?: TensorValue;
  /** Interpolation from baseline (0) to embeddings (1) of each batch entry: one number, or one a token. Default [1]. */
  scales?: readonly number[] | readonly (readonly number[])[];
  /** Baseline of the embeddings, of a shape that broadcasts to [batch, tokens, width]. Default zeros. */
  baseline?: TensorValue;
  /** The weight of each batch entry in `sum`. Default ones. */
  stepWeights?: readonly number[];
  /** Feeds of other inputs of the graph. */
  feeds?: Readonly<Record<string, TensorValue>>;
}

export interface GradientValues {
  /** The target, [batch]. */
  values: Float32Array;
  /** [tokens, width]: gradients with respect to the embeddings, summed over the batch with `stepWeights`. */
  sum?: Float32Array;
  /** The model's own embeddings, [batch, tokens, width]. */
  embeddings?: TensorValue;
  /** Gradients by tensor; 'embeddings' stands for the embeddings. */
  gradients: ReadonlyMap<string, TensorValue>;
  /** Fetched tensors by name. */
  tensors: ReadonlyMap<string, TensorValue>;
  milliseconds: number;
}

/** What to fetch from a run besides the values. */
export interface GradientFetches {
  sum?: boolean;
  embeddings?: boolean;
  /** Tensors whose gradients to fetch. */
  gradients?: readonly string[];
  /** Tensors to fetch, of those that the session was opened with. */
  tensors?: readonly string[];
}

export class GradientSession {
  constructor(private readonly _options: GradientSession.IOptions) {}

  /** Tensors that have a gradient: those of the request that the target depends on. */
  get by(): string[] {
    return [...this._options.gradients.keys()];
  }

  /** The same graph, fed by other inputs. */
  fedBy(inputs: ModelInputs): GradientSession {
    return inputs === this._options.inputs
      ? this
      : new GradientSession({ ...this._options, inputs });
  }

  /** The onnxruntime session, which is the same whatever feeds it. */
  get shared(): Session {
    return this._options.session;
  }

  get nodes(): { forward: number; backward: number } {
    return this._options.nodes;
  }

  /** Estimated bytes of a run's activations. */
  bytes(size: RunSize): number {
    const { graph, facts, probes } = this._options;
    return activationBytes(graph, facts, probes, size);
  }

  /** @throws MoEDebuggerError 'gradient' for a tensor that the target does not depend on */
  async run(
    run: GradientRun,
    { sum, embeddings, gradients = [], tensors = [] }: GradientFetches = {}
  ): Promise<GradientValues> {
    const options = this._options;
    const wanted = gradients.map(name => {
      const output = options.gradients.get(name);
      if (output === undefined) {
        throw new MoEDebuggerError(
          'gradient',
          `the target does not depend on ${name}`,
          { where: name, hint: 'take a tensor that is computed before it' }
        );
      }
      return output;
    });
    const fetches = [
      options.value,
      ...wanted,
      ...(sum && options.sum ? [options.sum] : []),
      ...(embeddings ? [options.original] : []),
      ...tensors
    ];
    const feeds = this._feeds(run);
    const { outputs, milliseconds } = await options.session.run(feeds, [
      ...new Set(fetches)
    ]);
    const values = toFloat32(outputs[options.value]);
    const total =
      sum && options.sum ? toFloat32(outputs[options.sum]) : undefined;
    if (
      values.some(Number.isNaN) ||
      total?.some(Number.isNaN) ||
      wanted.some(name => toFloat32(outputs[name]).some(Number.isNaN))
    ) {
      throw notANumber(await options.firstNaN(feeds));
    }
    return {
      values,
      milliseconds,
      gradients: new Map(
        gradients.map((name, i) => [name, outputs[wanted[i]]])
      ),
      tensors: new Map(tensors.map(name => [name, outputs[name]])),
      ...(total ? { sum: total } : {}),
      ...(embeddings ? { embeddings: outputs[options.original] } : {})
    };
  }

  private _feeds(run: GradientRun): Record<string, TensorValue> {
    const { inputs, graph, scale, baseline } = this._options;
    const scales = run.scales ?? [1];
    const feeds: Record<string, TensorValue> = {
      ...inputs.feeds(repeated(wholeSequence(run.sequence), scales.length)),
      [scale]: scaleTensor(scales),
      [baseline]: run.baseline ?? {
        type: 'float32',
        dims: [1, 1, 1],
        data: new Float32Array(1)
      },
      [STEP_WEIGHTS]: perEntry(
        run.stepWeights ?? new Array<number>(scales.length).fill(1)
      ),
      [TARGET_INPUT.position]: integer(run.position ?? 0),
      [TARGET_INPUT.index]: integer(run.index ?? 0),
      [TARGET_INPUT.against]: integer(run.against ?? 0),
      ...run.feeds,
      ...(run.reference
        ? {
            [TARGET_INPUT.reference]: {
              type: 'float32',
              dims: [1, run.reference.length],
              data: run.reference
            }
          }
        : {}),
      ...(run.weights ? { [TARGET_INPUT.weights]: run.weights } : {})
    };
    return takenFeeds(graph, feeds);
  }
}

export namespace GradientSession {
  export interface IOptions {
    session: Session;
    inputs: ModelInputs;
    graph: GraphProto;
    value: string;
    original: string;
    gradients: ReadonlyMap<string, string>;
    sum: string | undefined;
    scale: string;
    baseline: string;
    nodes: { forward: number; backward: number };
    facts: TensorFacts;
    probes: readonly RunSize[];
    /** A description of the first node of a run that outputs NaN. */
    firstNaN(feeds: Record<string, TensorValue>): Promise<string | undefined>;
  }
}

function notANumber(node: string | undefined): MoEDebuggerError {
  return new MoEDebuggerError('gradient', 'the gradients contain NaN', {
    ...(node ? { where: node } : {}),
    hint: 'this node is the first to output NaN: look at its inputs and weights'
  });
}

/** Repeats the sequence of a step. */
function repeated(step: Step, batch: number): Step {
  const rows = <T>([row]: readonly T[]): T[] =>
    Array.from({ length: batch }, () => row);
  return {
    ...step,
    ids: rows(step.ids),
    positions: rows(step.positions),
    mask: rows(step.mask),
    ...(step.encoderIds ? { encoderIds: rows(step.encoderIds) } : {})
  };
}

/** [batch, 1 or tokens, 1] */
function scaleTensor(
  scales: readonly number[] | readonly (readonly number[])[]
): TensorValue {
  const rows = scales.map(scale => [scale].flat());
  return {
    type: 'float32',
    dims: [rows.length, rows[0].length, 1],
    data: Float32Array.from(rows.flat())
  };
}

/** [batch, 1, 1] */
function perEntry(values: readonly number[]): TensorValue {
  return {
    type: 'float32',
    dims: [values.length, 1, 1],
    data: Float32Array.from(values)
  };
}
