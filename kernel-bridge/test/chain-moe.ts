/** A model whose cause and effect are known by hand: each router reads one mark that an earlier expert wrote. */
import { GraphBuilder } from './graph-builder';
import { attentionOfNothing, matrix } from './graph-parts';

const HIDDEN = 8;
const EXPERTS = 3;
const VOCABULARY = 4;

/** Places in the residual stream. `always` is 1 at each token, `first` at tokens of id 1. */
const ALWAYS = 0;
const FIRST = 1;
const MARK = [2, 3, 4, 5];

/** Which place makes a router's expert win over the default expert, and what mark that expert writes. */
interface Block {
  reads: number;
  winner: number;
  otherwise: number;
  writes: number | null;
}

/**
 * - router 0: tokens of id 1 take expert 0, which writes mark 0; others take expert 1
 * - router 1: where mark 0 is, expert 1, which writes mark 1; else expert 0
 * - router 2: where mark 1 is, expert 0, which writes mark 2; else expert 1
 * - router 3: where mark 0 is, expert 2, which writes nothing; else expert 1
 * - output: mark 2 is the logit of token 3, the others' are 0
 */
const BLOCKS: Block[] = [
  { reads: FIRST, winner: 0, otherwise: 1, writes: MARK[0] },
  { reads: MARK[0], winner: 1, otherwise: 0, writes: MARK[1] },
  { reads: MARK[1], winner: 0, otherwise: 1, writes: MARK[2] },
  { reads: MARK[0], winner: 2, otherwise: 1, writes: null }
];

export function chainMoE(): GraphBuilder {
  const b = new GraphBuilder();
  const ids = b.input('input_ids', 'int64', ['batch', 'sequence']);
  let x = b.op('Gather', [
    matrix(b, VOCABULARY, HIDDEN, (id, place) =>
      place === ALWAYS || (place === FIRST && id === 1) ? 1 : 0
    ),
    ids
  ]);
  for (const block of BLOCKS) {
    x = b.op('Add', [x, attentionOfNothing(b, x, HIDDEN)]);
    const flat = b.op('Reshape', [x, b.ints([-1, HIDDEN])]);
    const added = experts(b, flat, block);
    x = b.op('Add', [x, b.op('Reshape', [added, b.op('Shape', [x])])]);
  }
  const logits = b.op('MatMul', [
    x,
    matrix(b, HIDDEN, VOCABULARY, (place, token) =>
      place === MARK[2] && token === 3 ? 1 : 0
    )
  ]);
  b.nodes.push({
    opType: 'Identity',
    input: [logits],
    output: ['logits'],
    attribute: []
  });
  b.output('logits', 'float', ['batch', 'sequence', VOCABULARY]);
  return b;
}

/** Top-1 with a weight of 1; the winner adds its mark. */
function experts(
  b: GraphBuilder,
  x: string,
  { reads, winner, otherwise, writes }: Block
): string {
  const logits = b.op('MatMul', [
    x,
    matrix(b, HIDDEN, EXPERTS, (place, expert) =>
      place === reads && expert === winner
        ? 3
        : place === ALWAYS && expert === otherwise
          ? 1
          : 0
    )
  ]);
  const [values, selected] = b.many(
    'TopK',
    [b.op('Softmax', [logits], { axis: -1 }), b.ints([1])],
    2
  );
  const weights = b.op('Div', [
    values,
    b.over('ReduceSum', values, [-1], { keepdims: 1 })
  ]);
  const tokens = b.op('Gather', [b.op('Shape', [x]), b.ints([0])]);
  const dense = b.op(
    'ScatterElements',
    [
      b.op('ConstantOfShape', [
        b.op('Concat', [tokens, b.ints([EXPERTS])], { axis: 0 })
      ]),
      selected,
      weights
    ],
    { axis: 1 }
  );
  const inner = b.op('Relu', [
    b.op('MatMul', [
      b.over('Unsqueeze', x, [0]),
      b.floats(
        Array.from({ length: EXPERTS * HIDDEN }, (_, i) =>
          i % HIDDEN === ALWAYS ? 1 : 0
        ),
        [EXPERTS, HIDDEN, 1]
      )
    ])
  ]);
  const each = b.op('MatMul', [
    inner,
    b.floats(
      Array.from({ length: EXPERTS * HIDDEN }, (_, i) =>
        Math.floor(i / HIDDEN) === winner && i % HIDDEN === writes ? 1 : 0
      ),
      [EXPERTS, 1, HIDDEN]
    )
  ]);
  const factors = b.over(
    'Unsqueeze',
    b.op('Transpose', [dense], { perm: [1, 0] }),
    [-1]
  );
  return b.over('ReduceSum', b.op('Mul', [each, factors]), [0], {
    keepdims: 0
  });
}
