/** Small models of one attention, in the forms in which exporters and people write it. */
import type { FoundAttention } from '../src/analyses/attention/attention';
import { attentionOf } from '../src/analyses/attention/model-attention';
import { gradientsOf } from './gradient-truth';
import { GraphBuilder } from './graph-builder';

export const HIDDEN = 12;
export const HEADS = 3;
export const WIDTH = 4;
const VOCABULARY = 16;

/** Queries, keys and values, each [batch, tokens, hidden], become what the heads hand on, of the same shape. */
export type Mix = (b: GraphBuilder, q: string, k: string, v: string) => string;

/** One block: tokens are looked up, mixed, projected and added; the sum is unembedded. */
export function block(
  mix: Mix,
  batch: number | string = 'batch',
  opset = 18
): string {
  const b = new GraphBuilder({ seed: 5, opset });
  const ids = b.input('input_ids', 'int64', [batch, 'tokens']);
  const x = b.op('Gather', [b.weight([VOCABULARY, HIDDEN]), ids]);
  const [q, k, v] = [0, 1, 2].map(() =>
    b.op('MatMul', [x, b.weight([HIDDEN, HIDDEN])])
  );
  const stream = b.op('Add', [
    x,
    b.op('MatMul', [mix(b, q, k, v), b.weight([HIDDEN, HIDDEN])])
  ]);
  const logits = b.op('MatMul', [stream, b.weight([HIDDEN, VOCABULARY])]);
  b.nodes.push({
    opType: 'Identity',
    input: [logits],
    output: ['logits'],
    attribute: []
  });
  b.output('logits');
  return b.save();
}

export async function find(folder: string): Promise<FoundAttention> {
  const gradients = gradientsOf(folder);
  const found = attentionOf(await gradients.prepare());
  await gradients.release();
  return found;
}

function apart(b: GraphBuilder, tensor: string, heads = HEADS): string {
  return b.op('Reshape', [tensor, b.ints([0, 0, heads, WIDTH])]);
}

export function headsFirst(b: GraphBuilder, tensor: string): string {
  return b.op('Transpose', [apart(b, tensor)], { perm: [0, 2, 1, 3] });
}

export function turned(b: GraphBuilder, tensor: string): string {
  return b.op('Transpose', [tensor], { perm: [0, 1, 3, 2] });
}

export function together(b: GraphBuilder, mixed: string): string {
  return b.op('Reshape', [
    b.op('Transpose', [mixed], { perm: [0, 2, 1, 3] }),
    b.ints([0, 0, HIDDEN])
  ]);
}

export function softmax(b: GraphBuilder, scores: string): string {
  return b.op('Softmax', [scores], { axis: -1 });
}

export const plain: Mix = (b, q, k, v) =>
  together(
    b,
    b.op('MatMul', [
      softmax(
        b,
        b.op('MatMul', [headsFirst(b, q), turned(b, headsFirst(b, k))])
      ),
      headsFirst(b, v)
    ])
  );

/** Heads lie behind one another in the batch, as `torch.bmm` wants it. */
export const folded: Mix = (b, q, k, v) => {
  const [a, c, d] = [q, k, v].map(tensor =>
    b.op('Reshape', [
      headsFirst(b, tensor),
      b.op(
        'Concat',
        [
          b.ints([-1]),
          b.op('Shape', [tensor], { start: 1, end: 2 }),
          b.ints([WIDTH])
        ],
        { axis: 0 }
      )
    ])
  );
  const mixed = b.op('MatMul', [
    softmax(
      b,
      b.op('MatMul', [a, b.op('Transpose', [c], { perm: [0, 2, 1] })])
    ),
    d
  ]);
  return together(
    b,
    b.op('Reshape', [
      mixed,
      b.op(
        'Concat',
        [
          b.ints([-1, HEADS]),
          b.op('Shape', [q], { start: 1, end: 2 }),
          b.ints([WIDTH])
        ],
        { axis: 0 }
      )
    ])
  );
};

export function einsum(scores: string, mixing: string): Mix {
  return (b, q, k, v) =>
    b.op('Reshape', [
      b.op(
        'Einsum',
        [
          softmax(
            b,
            b.op('Einsum', [apart(b, q), apart(b, k)], { equation: scores })
          ),
          apart(b, v)
        ],
        { equation: mixing }
      ),
      b.ints([0, 0, HIDDEN])
    ]);
}

/** exp(x - max) / sum exp(x - max), in nodes of their own. */
export const writtenOut: Mix = (b, q, k, v) => {
  const scores = b.op('MatMul', [
    headsFirst(b, q),
    turned(b, headsFirst(b, k))
  ]);
  const raised = b.op('Exp', [
    b.op('Sub', [scores, b.over('ReduceMax', scores, [-1], { keepdims: 1 })])
  ]);
  return together(
    b,
    b.op('MatMul', [
      b.op('Div', [raised, b.over('ReduceSum', raised, [-1], { keepdims: 1 })]),
      headsFirst(b, v)
    ])
  );
};

/** NaN of rows that are masked whole are replaced, and half precision is left and entered. */
export const replaced: Mix = (b, q, k, v) => {
  const shares = softmax(
    b,
    b.op('Mul', [
      b.op('MatMul', [headsFirst(b, q), turned(b, headsFirst(b, k))]),
      b.floats([0.5], [])
    ])
  );
  const numbers = b.op('Where', [
    b.op('IsNaN', [shares]),
    b.floats([0], []),
    shares
  ]);
  return together(
    b,
    b.op('MatMul', [
      b.op('Cast', [b.op('Cast', [numbers], { to: 11 })], { to: 1 }),
      headsFirst(b, v)
    ])
  );
};

export const fusedProduct: Mix = (b, q, k, v) =>
  together(
    b,
    b.op('MatMul', [
      softmax(
        b,
        b.op(
          'com.microsoft.FusedMatMul',
          [headsFirst(b, q), turned(b, headsFirst(b, k))],
          { alpha: { float: 0.5 } }
        )
      ),
      headsFirst(b, v)
    ])
  );
