/**
 * What a model makes of the residual stream at the end: its final norm and unembedding, cut out of the graph as one of
 * its own. It is given any vectors of the stream and says what they vote for.
 */
import {
  isFusedJoin,
  streamOperand,
  sumOutput
} from '../../run/activations/stream-points';
import { LazySession } from '../../run/engine/lazy-session';
import type { TensorValue } from '../../run/engine/messages';
import type { LoadedModel } from '../../run/model/loaded-model';
import { ofModel } from '../../run/model/of-model';
import type { SharedSession } from '../../run/engine/session-pool';
import { MoEDebuggerError } from '../../base/errors';
import { cutGraph } from '../../onnx/graph/cut-graph';
import { writeAttribute } from '../../onnx/graph/attributes';
import type { Graph } from '../../onnx/graph/graph';
import {
  ELEMENT,
  type GraphProto,
  type ValueInfoProto
} from '../../onnx/file/schema';
import type { BlockJoin, Blocks } from '../../routing/blocks';

/** The head of a loaded model. */
export const headOf = ofModel(
  model =>
    new Head(
      () => headGraph(model.graph, model.found.blocks, logitsOf(model)),
      graph => model.load(graph)
    )
);

/** The logits as the graph that holds the routers names them: a branch of an If has names of its own. */
function logitsOf({ branched, graph, logits }: LoadedModel): string {
  return branched
    ? graph.outputs[branched.node.outputs.indexOf(logits)]
    : logits;
}

/** Name of the head's input: [vectors, 1, width] floats. */
export const HEAD_INPUT = 'moe_debugger/head/hidden';

export class Head {
  private _graph?: GraphProto;
  private readonly _session: LazySession;

  /** @param _build makes the graph of `headGraph`; called once */
  constructor(
    private readonly _build: () => GraphProto,
    load: (graph: GraphProto) => Promise<SharedSession>
  ) {
    this._session = new LazySession(async () => load(this._cut));
  }

  /**
   * @param vectors [count, width]
   * @param feeds of the whole model for `count` sequences of one token: a head may read some
   * @returns [count, 1, vocabulary]
   * @throws MoEDebuggerError 'model-unsupported' where the graph shows no head
   */
  async run(
    vectors: Float32Array,
    width: number,
    feeds: Record<string, TensorValue>
  ): Promise<TensorValue> {
    const { input, output } = this._cut;
    const session = await this._session.get();
    const logits = output[0].name ?? '';
    const { outputs } = await session.run(
      {
        ...Object.fromEntries(
          Object.entries(feeds).filter(([name]) =>
            input.some(own => own.name === name)
          )
        ),
        [HEAD_INPUT]: {
          type: 'float32',
          dims: [vectors.length / width, 1, width],
          data: vectors
        }
      },
      [logits]
    );
    return outputs[logits];
  }

  /** Can be called twice. */
  async release(): Promise<void> {
    await this._session.release();
  }

  private get _cut(): GraphProto {
    return (this._graph ??= this._build());
  }
}

/**
 * @param logits output of `graph`
 * @throws MoEDebuggerError 'model-unsupported' where the graph does not show one
 */
export function headGraph(
  graph: Graph,
  blocks: Blocks,
  logits: string
): GraphProto {
  const join = blocks.joins.filter(({ stack }) => stack !== 'encoder').at(-1);
  const output = graph.proto.output.find(({ name }) => name === logits);
  const cut = join && output && cutAfter(graph, join, output);
  if (!cut) {
    throw new MoEDebuggerError(
      'model-unsupported',
      'the graph shows no residual stream that its logits are computed from',
      {
        where: graph.file,
        hint: 'export the model with its unembedding, and in one graph'
      }
    );
  }
  return cut;
}

function cutAfter(
  graph: Graph,
  join: BlockJoin,
  output: ValueInfoProto
): GraphProto | undefined {
  const stream = isFusedJoin(join) ? streamOperand(join) : sumOutput(join)!;
  const cut = cutGraph(
    graph,
    [stream, ...(isFusedJoin(join) ? [join.branch] : [])].map(name => ({
      name
    })),
    [output]
  );
  if (!cut) {
    return undefined;
  }
  const type = graph.elementType(stream) ?? weightType(cut);
  const made = new Set([stream, join.branch]);
  return {
    ...cut,
    input: [
      {
        name: HEAD_INPUT,
        type: { tensorType: { elemType: ELEMENT.float } }
      },
      ...cut.input.filter(({ name }) => !made.has(name ?? ''))
    ],
    node: [
      {
        opType: 'Cast',
        name: `${HEAD_INPUT}/cast`,
        input: [HEAD_INPUT],
        output: [stream],
        attribute: [writeAttribute('to', type)]
      },
      // A fused join adds its branch, of which nothing is left to add.
      ...(isFusedJoin(join)
        ? [
            {
              opType: 'Sub',
              name: `${HEAD_INPUT}/nothing`,
              input: [stream, stream],
              output: [join.branch],
              attribute: []
            }
          ]
        : []),
      ...cut.node
    ],
    valueInfo: []
  };
}

/** The type that a head computes in, where the graph declares none: that of its weights. */
function weightType({ initializer }: GraphProto): number {
  const types = new Set(initializer.map(({ dataType }) => dataType));
  return types.has(ELEMENT.float16) && !types.has(ELEMENT.float)
    ? ELEMENT.float16
    : ELEMENT.float;
}
