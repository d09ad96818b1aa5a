/** Runs that return attention probabilities, optionally with heads ablated. */
import { gradientsOf } from '../../run/gradients/gradients-of';
import { cancellable } from '../../run/engine/cancel';
import type { Session } from '../../run/engine/engine';
import type { TensorValue } from '../../run/engine/messages';
import { toFloat32 } from '../../run/engine/tensor-values';
import type { PreparedGraph } from '../../run/gradients/model-gradients';
import { floatInput } from '../../run/gradients/embeddings';
import { takenFeeds } from '../../run/gradients/taken-feeds';
import { NodeWriter } from '../../onnx/graph/node-writer';
import { wholeSequence, type Sequence } from '../../run/model/inputs';
import type { Runnable } from '../../run/model/runnable';
import type { GraphProto } from '../../onnx/file/schema';
import type { Attention, FoundAttention } from './attention';
import { inOrder } from './axes';
import { attentionOf } from './model-attention';

/** Identifies a head by the index of its attention in the graph. */
export interface HeadPlace {
  attention: number;
  head: number;
}

export interface AttentionRun {
  /** Per attention: [heads, queries, keys]. */
  probabilities: Float32Array[];
  /** [tokens, vocabulary] */
  logits?: Float32Array;
}

/** Outputs of a run, and heads to ablate in it. */
export interface AttentionRunOptions {
  /** Default false. */
  probabilities?: boolean;
  logits?: boolean;
  /** Heads to zero-ablate: their output before the output projection becomes zero. */
  without?: readonly HeadPlace[];
  signal?: AbortSignal;
}

const PREFIX = 'moe_debugger/attention/';

export class AttentionRuns {
  private constructor(
    readonly found: FoundAttention,
    private readonly _model: Runnable,
    private readonly _prepared: PreparedGraph,
    private readonly _session: Session
  ) {}

  /**
   * @throws MoEDebuggerError 'gradient' or 'model-unsupported' if the graph cannot be written in plain operators;
   * 'cancelled'
   */
  static async of(
    model: Runnable,
    signal?: AbortSignal
  ): Promise<AttentionRuns> {
    const gradients = gradientsOf(model);
    const prepared = await cancellable(gradients.prepare(), signal);
    const found = attentionOf(prepared);
    const session = await cancellable(
      gradients.derived('attention', ({ interpolated }) =>
        withHeadFactors(interpolated.graph, prepared, found.attention, [
          ...found.attention.map(({ probabilities }) => probabilities.tensor)
        ])
      ),
      signal
    );
    return new AttentionRuns(found, model, prepared, session);
  }

  async run(
    sequence: Sequence,
    { probabilities, logits, without = [], signal }: AttentionRunOptions
  ): Promise<AttentionRun> {
    const { attention } = this.found;
    const { inputs, logits: output } = this._model;
    const { scale, baseline } = this._prepared.interpolated;
    const factors = attention.map(({ heads }) =>
      new Float32Array(heads).fill(1)
    );
    without.forEach(place => (factors[place.attention][place.head] = 0));
    const { outputs } = await cancellable(
      this._session.run(
        {
          ...takenFeeds(
            this._prepared.interpolated.graph,
            inputs.feeds(wholeSequence(sequence))
          ),
          [scale]: floats([1, 1, 1], Float32Array.of(1)),
          [baseline]: floats([1, 1, 1], new Float32Array(1)),
          ...Object.fromEntries(
            factors.map((values, i) => [
              factorInput(i),
              floats([values.length], values)
            ])
          )
        },
        [
          ...(probabilities
            ? attention.map(own => own.probabilities.tensor)
            : []),
          ...(logits ? [output] : [])
        ]
      ),
      signal
    );
    return {
      probabilities: probabilities
        ? attention.map(own =>
            inOrder(
              outputs[own.probabilities.tensor],
              own.probabilities,
              own.emptyKeys
            )
          )
        : [],
      ...(logits ? { logits: toFloat32(outputs[output]) } : {})
    };
  }
}

function floats(dims: number[], data: Float32Array): TensorValue {
  return { type: 'float32', dims, data };
}

/** float32 [heads]: factors that scale each head's output before the output projection. */
function factorInput(attention: number): string {
  return `${PREFIX}factors/${attention}`;
}

/** Adds the factors to the graph. Factors of 1 leave its results unchanged, bit for bit. */
function withHeadFactors(
  graph: GraphProto,
  { facts }: PreparedGraph,
  attention: readonly Attention[],
  outputs: readonly string[]
): GraphProto {
  const writer = new NodeWriter(PREFIX);
  const factored = new Map(
    attention.map(({ mixed }, i) => {
      const shape = writer.ints(
        mixed.axes.map((axis, at) =>
          axis === 'heads'
            ? facts.fixedAxis(mixed.tensor, at)!
            : axis === 'batch-heads'
              ? -1
              : 1
        )
      );
      const factors = writer.op('CastLike', [
        writer.op('Reshape', [factorInput(i), shape]),
        mixed.tensor
      ]);
      return [mixed.tensor, writer.op('Mul', [mixed.tensor, factors])];
    })
  );
  const handed = new Set(graph.output.map(({ name }) => name));
  return {
    ...graph,
    node: [
      ...graph.node.map(node => ({
        ...node,
        input: node.input.map(name => factored.get(name) ?? name)
      })),
      ...writer.nodes
    ],
    initializer: [...graph.initializer, ...writer.initializers],
    input: [
      ...graph.input,
      ...attention.map(({ heads }, i) => floatInput(factorInput(i), [heads]))
    ],
    output: [
      ...graph.output,
      ...outputs
        .filter(name => !handed.has(name))
        .map(name => ({
          name,
          type: { tensorType: { elemType: facts.type(name) } }
        }))
    ]
  };
}
