/** Decomposes ONNX's own Attention (opset 23 and later). */
import { ELEMENT } from '../../file/schema';
import { attributeFloat, attributeInt } from '../attributes';
import type { GraphNode } from '../graph';
import {
  cannotDecompose,
  numberLike,
  type Decomposition,
  type DecompositionContext
} from './decomposition';

const [MASK, PAST_KEY, PAST_VALUE, LENGTHS] = [3, 4, 5, 6];
const [MIXED, PRESENT_KEY, PRESENT_VALUE, PRODUCTS] = [0, 1, 2, 3];
/** Added to masked scores, as in onnxruntime: the lowest float32, so that softmax of a fully masked row is not NaN. */
const HIDDEN = -3.4028234663852886e38;

export const attention: Decomposition = {
  ops: ['Attention'],
  write(node, context) {
    const { graph, writer } = context;
    if (node.inputs[LENGTHS]) {
      throw cannotDecompose(
        graph,
        node,
        'it reads the lengths of its keys (nonpad_kv_seqlen)'
      );
    }
    if (node.outputs[PRODUCTS]) {
      throw cannotDecompose(graph, node, 'it outputs its scores');
    }
    const [query, key, value] = node.inputs;
    const heads = attributeInt(node.proto, 'q_num_heads');
    const groups = attributeInt(node.proto, 'kv_num_heads') ?? heads;
    const apart = (tensor: string, count: number | undefined): string =>
      count === undefined
        ? tensor
        : writer.op(
            'Transpose',
            [writer.op('Reshape', [tensor, writer.ints([0, 0, count, -1])])],
            { perm: [0, 2, 1, 3] }
          );
    const q = apart(query, heads);
    const [keys, values] = (
      [
        [key, PAST_KEY, PRESENT_KEY],
        [value, PAST_VALUE, PRESENT_VALUE]
      ] as const
    ).map(([tensor, past, present]) => {
      const own = apart(tensor, groups);
      const before = node.inputs[past];
      const all = before
        ? writer.op('Concat', [before, own], { axis: 2 })
        : own;
      if (node.outputs[present]) {
        writer.into([node.outputs[present]], 'Identity', [all]);
      }
      return sharesHeads(node, context) ? repeated(all, q, context) : all;
    });
    const mixed = writer.op('MatMul', [
      writer.op('Softmax', [scores(q, keys, node, context)], { axis: -1 }),
      values
    ]);
    if (heads === undefined) {
      writer.into([node.outputs[MIXED]], 'Identity', [mixed]);
    } else {
      writer.into([node.outputs[MIXED]], 'Reshape', [
        writer.op('Transpose', [mixed], { perm: [0, 2, 1, 3] }),
        writer.ints([0, 0, -1])
      ]);
    }
  }
};

/** Whether query heads may share K/V heads (grouped-query attention). */
function sharesHeads(
  { inputs, proto }: GraphNode,
  { graph }: DecompositionContext
): boolean {
  const count = attributeInt(proto, 'q_num_heads');
  const [own, others] =
    count === undefined
      ? [graph.shape(inputs[0])?.[1], graph.shape(inputs[1])?.[1]]
      : [count, attributeInt(proto, 'kv_num_heads') ?? count];
  return own === undefined || others === undefined || own !== others;
}

/** Repeats the K/V heads, [batch, groups, keys, width], for the query heads of each group: [batch, heads, keys, width]. */
function repeated(
  tensor: string,
  query: string,
  { writer }: DecompositionContext
): string {
  const size = (of: string, start: number, end: number): string =>
    writer.op('Shape', [of], { start, end });
  const groups = size(tensor, 1, 2);
  const share = writer.op('Div', [size(query, 1, 2), groups]);
  const shape = [size(tensor, 0, 1), groups, share, size(tensor, 2, 4)];
  return writer.op('Reshape', [
    writer.op('Expand', [
      writer.op('Unsqueeze', [tensor, writer.ints([2])]),
      writer.op('Concat', shape, { axis: 0 })
    ]),
    writer.op(
      'Concat',
      [size(tensor, 0, 1), size(query, 1, 2), size(tensor, 2, 4)],
      { axis: 0 }
    )
  ]);
}

/** Scaled, capped and masked attention scores, [batch, heads, queries, keys]. */
function scores(
  query: string,
  keys: string,
  node: GraphNode,
  context: DecompositionContext
): string {
  const { writer, types } = context;
  const like = node.inputs[0];
  const product = writer.op('MatMul', [
    query,
    writer.op('Transpose', [keys], { perm: [0, 1, 3, 2] })
  ]);
  const scale = attributeFloat(node.proto, 'scale') ?? 0;
  let found =
    scale === 0
      ? writer.op('Div', [
          product,
          writer.op('Sqrt', [
            writer.op('CastLike', [
              writer.op('Shape', [query], { start: 3, end: 4 }),
              like
            ])
          ])
        ])
      : writer.op('Mul', [product, numberLike(context, scale, like)]);
  const softcap = attributeFloat(node.proto, 'softcap') ?? 0;
  if (softcap > 0) {
    const cap = numberLike(context, softcap, like);
    found = writer.op('Mul', [
      writer.op('Tanh', [writer.op('Div', [found, cap])]),
      cap
    ]);
  }
  const hide = (visible: string): void => {
    found = writer.op('Add', [
      found,
      writer.op('Where', [
        visible,
        numberLike(context, 0, like),
        numberLike(context, HIDDEN, like)
      ])
    ]);
  };
  if (attributeInt(node.proto, 'is_causal') === 1) {
    hide(causal(query, keys, node.inputs[PAST_KEY], context));
  }
  const mask = node.inputs[MASK];
  if (mask && types.get(mask) === ELEMENT.bool) {
    hide(mask);
  } else if (mask) {
    found = writer.op('Add', [found, mask]);
  }
  return found;
}

/** Causal mask, bool [queries, keys]: a query sees all cached keys, and new keys up to its own position. */
function causal(
  query: string,
  keys: string,
  past: string | undefined,
  { writer }: DecompositionContext
): string {
  const places = (tensor: string): string =>
    writer.op('Range', [
      writer.int(0),
      writer.op('Squeeze', [
        writer.op('Shape', [tensor], { start: 2, end: 3 })
      ]),
      writer.int(1)
    ]);
  const own = past
    ? writer.op('Add', [
        places(query),
        writer.op('Shape', [past], { start: 2, end: 3 })
      ])
    : places(query);
  return writer.op('GreaterOrEqual', [
    writer.op('Unsqueeze', [own, writer.ints([1])]),
    places(keys)
  ]);
}
