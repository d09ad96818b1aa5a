/** Experts as dense products: each runs on every token; the outputs are weighted by the choice and summed. */
import type { Graph, GraphNode } from '../graph';
import {
  activationOf,
  applyActivation,
  applySwiGLU,
  isInterleaved
} from './activation';
import {
  cannotDecompose,
  type DecompositionContext,
  type ExpertChoice
} from './decomposition';

/** Float weights of one linear layer of all experts. */
export interface ExpertProduct {
  /** [experts, out, in] in memory, whatever its declared shape. */
  weights: string;
  /** [experts, out] */
  bias?: string;
}

export interface ExpertWeights {
  experts: number;
  hidden: number;
  intermediate: number;
  fc1: ExpertProduct;
  fc2: ExpertProduct;
  fc3?: ExpertProduct;
}

/** Writes the experts of an MoE node; the sum gets the name of the node's output. */
export function writeExperts(
  context: DecompositionContext,
  node: GraphNode,
  { experts, hidden, intermediate, fc1, fc2, fc3 }: ExpertWeights,
  choice: ExpertChoice
): void {
  const { graph, writer } = context;
  const [input] = node.inputs;
  const activation = activationOf(node);
  if (!activation) {
    throw cannotDecompose(graph, node, 'its activation is unknown');
  }
  const flat = writer.op('Reshape', [input, writer.ints([1, -1, hidden])]);
  const product = (
    x: string,
    weights: string,
    bias: string | undefined
  ): string => {
    const columns = writer.op('Transpose', [weights], { perm: [0, 2, 1] });
    const y = writer.op('MatMul', [x, columns]);
    return bias
      ? writer.op('Add', [y, writer.op('Unsqueeze', [bias, writer.ints([1])])])
      : y;
  };
  const whole = (
    part: ExpertProduct,
    out: number,
    into: number
  ): [string, string | undefined] => [
    writer.op('Reshape', [part.weights, writer.ints([experts, out, into])]),
    part.bias
  ];
  let inner: string;
  if (activation === 'swiglu' && !fc3) {
    // Splits the weights, which onnxruntime folds at load, and not the product of each run.
    const interleaved = isInterleaved(node);
    const halves = interleaved
      ? [experts, intermediate, 2]
      : [experts, 2, intermediate];
    const half = (which: number): string => {
      const axis = { axis: interleaved ? 2 : 1 };
      const place = writer.int(which);
      const weights = writer.op(
        'Gather',
        [
          writer.op('Reshape', [fc1.weights, writer.ints([...halves, hidden])]),
          place
        ],
        axis
      );
      const bias =
        fc1.bias &&
        writer.op(
          'Gather',
          [writer.op('Reshape', [fc1.bias, writer.ints(halves)]), place],
          axis
        );
      return product(flat, weights, bias);
    };
    inner = applySwiGLU(context, node, half(0), half(1), input);
  } else {
    const first = product(flat, ...whole(fc1, intermediate, hidden));
    const second = fc3 && product(flat, ...whole(fc3, intermediate, hidden));
    inner =
      activation === 'swiglu'
        ? applySwiGLU(context, node, first, second!, input)
        : applyActivation(context, activation, first, input);
    if (second && activation !== 'swiglu') {
      inner = writer.op('Mul', [inner, second]);
    }
  }
  const each = product(inner, ...whole(fc2, hidden, intermediate));
  const weighted = writer.op('Mul', [
    each,
    writer.op('Unsqueeze', [
      writer.op('Transpose', [dense(context, choice, experts)], {
        perm: [1, 0]
      }),
      writer.ints([2])
    ])
  ]);
  const sum = writer.op('ReduceSum', [weighted, writer.ints([0])], {
    keepdims: 0
  });
  writer.into([node.outputs[0]], 'Reshape', [sum, writer.op('Shape', [input])]);
}

/** [tokens, experts]: the weights at the chosen experts, zero elsewhere. */
function dense(
  { writer }: DecompositionContext,
  { selected, weights }: ExpertChoice,
  experts: number
): string {
  const tokens = writer.op('Slice', [
    writer.op('Shape', [selected]),
    writer.ints([0]),
    writer.ints([1])
  ]);
  const shape = writer.op('Concat', [tokens, writer.ints([experts])], {
    axis: 0
  });
  const zero = writer.op('CastLike', [writer.floats([0]), weights]);
  // Adds, since an edit may send two slots to one expert.
  return writer.op(
    'ScatterElements',
    [writer.op('Expand', [zero, shape]), selected, weights],
    { axis: 1, reduction: 'add' }
  );
}

/**
 * Sizes of an MoE node's experts, from the dims of its weights.
 * @param packed quantised values in one stored element
 */
export function expertSizes(
  graph: Graph,
  node: GraphNode,
  { fc1, fc2, packed }: { fc1: string; fc2: string; packed: number }
): { experts: number; hidden: number; intermediate: number } {
  const first = graph.weightOf(fc1)?.dims;
  const second = graph.weightOf(fc2)?.dims;
  if (first?.length !== 3 || second?.length !== 3) {
    throw cannotDecompose(graph, node, 'its weights are not stored');
  }
  const activation = activationOf(node);
  const size = (dims: readonly number[]): number => dims[1] * dims[2] * packed;
  const perInput = activation === 'swiglu' && !node.inputs[fc3Of(node)] ? 2 : 1;
  const ratio = size(first) / size(second);
  if (ratio !== perInput) {
    throw cannotDecompose(graph, node, 'the sizes of its weights do not match');
  }
  // fc1 is [out, hidden] or, as older exporters declare it, [hidden, out]; fc2 is [hidden, in] or [in, hidden].
  const [, rows, columns] = second;
  const [, out, width] = first;
  const hidden =
    out === perInput * columns * packed && width * packed === rows
      ? rows
      : columns * packed;
  return {
    experts: first[0],
    hidden,
    intermediate: size(second) / hidden
  };
}

/** Index of the input that holds the third product's weights. */
export function fc3Of({ op }: GraphNode): number {
  return op.endsWith('QMoE') ? 8 : 6;
}
