/**
 * The final norm and unembedding of a model, extracted from its graph as a graph of its own. It maps vectors of the
 * residual stream to logits.
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

/** Name of the logits in the graph that contains the routers; branches of an If have their own names. */
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

  /** @param _build builds the graph of `headGraph`; called once */
  constructor(
    private readonly _build: () => GraphProto,
    load: (graph: GraphProto) => Promise<SharedSession>
  ) {
    this._session = new LazySession(async () => load(this._cut));
  }

  /**
   * @param vectors [count, width]
   * @param feeds of the whole model for `count` sequences of one token: the extracted graph may read some
   * @returns [count, 1, vocabulary]
   * @throws MoEDebuggerError 'model-unsupported' if the graph has no separable head
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

  /** Can be called repeatedly. */
  async release(): Promise<void> {
    await this._session.release();
  }

  private get _cut(): GraphProto {
    return (this._graph ??= this._build());
  }
}

/**
 * @param logits output of `graph`
 * @throws MoEDebuggerError 'model-unsupported' if no head is found
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
      'no residual stream was found upstream of the logits',
      {
        where: graph.file,
        hint: 'export the model with its unembedding, as one graph'
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
      // A fused join adds its branch; the extracted head adds nothing.
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

/** Element type of the head if the graph declares none: that of its weights. */
function weightType({ initializer }: GraphProto): number {
  const types = new Set(initializer.map(({ dataType }) => dataType));
  return types.has(ELEMENT.float16) && !types.has(ELEMENT.float)
    ? ELEMENT.float16
    : ELEMENT.float;
}
