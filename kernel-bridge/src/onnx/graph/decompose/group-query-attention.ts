/**
 * Decomposes com.microsoft.GroupQueryAttention: causal attention whose query heads share K/V heads, with a KV cache,
 * rotary embedding, sliding window and attention sink where the node has them. Follows onnxruntime 1.30's CPU kernel
 * (onnxruntime/contrib_ops/cpu/bert).
 */
import { attributeFloat, attributeInt } from '../attributes';
import { ELEMENT } from '../../file/schema';
import type { GraphNode } from '../graph';
import {
  cannotDecompose,
  numberLike,
  type Decomposition,
  type DecompositionContext
} from './decomposition';
import { INPUT, OUTPUT, refuseUnknownForms } from './group-query-form';

/** Position of empty cache slots. */
const NOWHERE = 2 ** 40;

export const groupQueryAttention: Decomposition = {
  ops: ['com.microsoft.GroupQueryAttention'],
  write(node, context) {
    refuseUnknownForms(node, context.graph);
    new Attention(node, context).write();
  }
};

/** Tensors with the positions, in their sequences, of new tokens and of those in the KV cache. */
interface Places {
  /** int64 [1]: number of new tokens, and of cache slots. */
  own: string;
  slots?: string;
  /** int64 [batch, 1]: number of past tokens, and how many of these the cache holds. */
  past: string;
  held?: string;
  /** int64 positions: [batch, tokens] of queries, [batch, slots + tokens] of keys; `NOWHERE` for empty slots. */
  queries: string;
  keys: string;
}

class Attention {
  private readonly _heads: number;
  private readonly _groups: number;
  /** Size of the sliding window, in keys including a query's own; no window unless positive. */
  private readonly _window: number;
  /** The cache holds about a window of tokens, and not the whole sequence. */
  private readonly _slides: boolean;

  constructor(
    private readonly _node: GraphNode,
    private readonly _context: DecompositionContext
  ) {
    const { proto } = _node;
    this._heads = attributeInt(proto, 'num_heads') ?? 1;
    this._groups = attributeInt(proto, 'kv_num_heads') ?? 1;
    this._window = attributeInt(proto, 'local_window_size') ?? -1;
    this._slides = attributeInt(proto, 'sliding_window_cache') === 1;
  }

  write(): void {
    const { writer } = this._context;
    const [query, key, value] = this._parts();
    const places = this._places(query);
    const cached = [
      [
        this._rotated(key, places, this._groups),
        INPUT.pastKey,
        OUTPUT.presentKey
      ],
      [value, INPUT.pastValue, OUTPUT.presentValue]
    ] as const;
    const [keys, values] = cached.map(([own, past, present]) => {
      const before = this._input(past);
      const all = before
        ? writer.op('Concat', [before, own], { axis: 2 })
        : own;
      this._present(present, all, places);
      return all;
    });
    const scores = this._scores(
      this._rotated(query, places, this._heads),
      keys,
      places
    );
    const mixed = this._perHead(
      writer.op('MatMul', [
        this._perGroup(this._softmax(scores, query)),
        values
      ])
    );
    writer.into([this._node.outputs[OUTPUT.mixed]], 'Reshape', [
      writer.op('Transpose', [mixed], { perm: [0, 2, 1, 3] }),
      writer.ints([0, 0, -1])
    ]);
  }

  /** Queries, keys and values of new tokens, [batch, heads, tokens, width]. */
  private _parts(): string[] {
    const { writer } = this._context;
    const apart = (tensor: string, heads: number): string =>
      writer.op(
        'Transpose',
        [writer.op('Reshape', [tensor, writer.ints([0, 0, heads, -1])])],
        { perm: [0, 2, 1, 3] }
      );
    const [heads, groups] = [this._heads, this._groups];
    const query = this._input(INPUT.query);
    const key = this._input(INPUT.key);
    if (key) {
      const value = this._input(INPUT.value);
      return [apart(query, heads), apart(key, groups), apart(value, groups)];
    }
    return writer.many(
      'Split',
      [apart(query, heads + 2 * groups), writer.ints([heads, groups, groups])],
      3,
      { axis: 1 }
    );
  }

  private _places(query: string): Places {
    const { writer } = this._context;
    const size = (tensor: string, axis: number): string =>
      writer.op('Shape', [tensor], { start: axis, end: axis + 1 });
    const range = (length: string): string =>
      writer.op('Range', [
        writer.int(0),
        writer.op('Squeeze', [length]),
        writer.int(1)
      ]);
    const own = size(query, 2);
    // `seqlens_k` is the length of the whole sequence minus one; prompts are padded on the right.
    const lengths = writer.op('Reshape', [
      writer.op('Cast', [this._input(INPUT.lengths)], { to: ELEMENT.int64 }),
      writer.ints([-1, 1])
    ]);
    const past = writer.op('Max', [
      writer.op('Sub', [writer.op('Add', [lengths, writer.int(1)]), own]),
      writer.int(0)
    ]);
    const queries = writer.op('Add', [past, range(own)]);
    const before = this._input(INPUT.pastKey);
    if (!before) {
      return { own, past, queries, keys: queries };
    }
    const slots = size(before, 2);
    const held = this._held(past, slots);
    const places = range(slots);
    const keys = writer.op('Where', [
      writer.op('Less', [places, held]),
      writer.op('Add', [writer.op('Sub', [past, held]), places]),
      writer.int(NOWHERE)
    ]);
    return {
      ...{ own, slots, past, held, queries },
      keys: writer.op('Concat', [keys, queries], { axis: 1 })
    };
  }

  /**
   * How many of a sequence's tokens the cache holds. A sliding cache with fewer slots C than tokens holds the window W
   * and up to C - W more tokens, since onnxruntime shifts it only when it is full.
   */
  private _held(tokens: string, slots: string): string {
    const { writer } = this._context;
    if (!this._slides) {
      return tokens;
    }
    const window = writer.int(this._window);
    const spare = writer.op('Sub', [slots, window]);
    const beyond = writer.op('Sub', [
      writer.op('Sub', [tokens, slots]),
      writer.int(1)
    ]);
    return writer.op('Where', [
      writer.op('LessOrEqual', [tokens, slots]),
      tokens,
      writer.op('Add', [
        window,
        writer.op('Mod', [beyond, writer.op('Add', [spare, writer.int(1)])])
      ])
    ]);
  }

  /** Applies the rotary embedding, where the node does. */
  private _rotated(tensor: string, places: Places, heads: number): string {
    const { graph, writer } = this._context;
    const { proto } = this._node;
    if (attributeInt(proto, 'do_rotary') !== 1) {
      return tensor;
    }
    const cosines = this._input(INPUT.cosines);
    const half = graph.shape(cosines)?.[1];
    if (half === undefined) {
      throw cannotDecompose(
        graph,
        this._node,
        'the width of its rotary embedding is only known in a run'
      );
    }
    return writer.op(
      'com.microsoft.RotaryEmbedding',
      [
        tensor,
        this._input(INPUT.positions) || places.queries,
        cosines,
        this._input(INPUT.sines)
      ],
      {
        interleaved: attributeInt(proto, 'rotary_interleaved') ?? 0,
        num_heads: heads,
        rotary_embedding_dim: 2 * half
      }
    );
  }

  /** Attention scores, [batch, heads, tokens, slots + tokens]; -Infinity where a query does not see a key. */
  private _scores(query: string, keys: string, places: Places): string {
    const { writer } = this._context;
    const { proto } = this._node;
    const like = (value: number): string =>
      numberLike(this._context, value, this._node.inputs[INPUT.query]);
    const product = this._perHead(
      writer.op('MatMul', [
        this._perGroup(query),
        writer.op('Transpose', [keys], { perm: [0, 1, 3, 2] })
      ])
    );
    const scale = attributeFloat(proto, 'scale') ?? 0;
    const scaled =
      scale > 0
        ? writer.op('Mul', [product, like(scale)])
        : writer.op('Div', [
            product,
            writer.op('Sqrt', [
              writer.op('CastLike', [
                writer.op('Shape', [query], { start: 3, end: 4 }),
                product
              ])
            ])
          ]);
    const cap = attributeFloat(proto, 'softcap') ?? 0;
    const capped =
      cap > 0
        ? writer.op('Mul', [
            writer.op('Tanh', [writer.op('Div', [scaled, like(cap)])]),
            like(cap)
          ])
        : scaled;
    return writer.op('Where', [this._visible(places), capped, like(-Infinity)]);
  }

  /** Causal and sliding-window mask, bool [batch, 1, tokens, slots + tokens]. */
  private _visible({ queries, keys }: Places): string {
    const { writer } = this._context;
    const to = writer.op('Unsqueeze', [queries, writer.ints([1, 3])]);
    const from = writer.op('Unsqueeze', [keys, writer.ints([1, 2])]);
    const causal = writer.op('LessOrEqual', [from, to]);
    return this._window > 0
      ? writer.op('And', [
          causal,
          writer.op('Greater', [
            from,
            writer.op('Sub', [to, writer.int(this._window)])
          ])
        ])
      : causal;
  }

  /** Softmax over keys and, where there is one, an attention sink. */
  private _softmax(scores: string, query: string): string {
    const { writer } = this._context;
    const sink = this._input(INPUT.sink);
    const smooth = attributeInt(this._node.proto, 'smooth_softmax') === 1;
    if (!sink && !smooth) {
      return writer.op('Softmax', [scores], { axis: -1 });
    }
    const logits = sink
      ? writer.op('Reshape', [sink, writer.ints([1, -1, 1, 1])])
      : numberLike(this._context, 0, this._node.inputs[INPUT.query]);
    const column = writer.op('Expand', [
      logits,
      writer.op(
        'Concat',
        [writer.op('Shape', [query], { start: 0, end: 3 }), writer.ints([1])],
        { axis: 0 }
      )
    ]);
    const all = writer.op(
      'Softmax',
      [writer.op('Concat', [scores, column], { axis: -1 })],
      { axis: -1 }
    );
    return writer.op('Slice', [
      all,
      writer.ints([0]),
      writer.ints([-1]),
      writer.ints([-1])
    ]);
  }

  /**
   * Writes the present KV cache, if it is read: the last tokens of each sequence, from the first slot on, then zeros.
   */
  private _present(
    output: number,
    all: string,
    { own, slots, past, held }: Places
  ): void {
    const { graph, writer } = this._context;
    const name = this._node.outputs[output];
    if (
      !name ||
      !(graph.outputs.includes(name) || graph.consumers(name).length > 0)
    ) {
      return;
    }
    if (slots === undefined || held === undefined) {
      writer.into([name], 'Identity', [all]);
      return;
    }
    const total = writer.op('Add', [past, own]);
    const size = this._slides
      ? slots
      : writer.op('Max', [
          slots,
          writer.op('Cast', [this._input(INPUT.total)], { to: ELEMENT.int64 })
        ]);
    const kept = this._held(total, size);
    const place = writer.op('Range', [
      writer.int(0),
      writer.op('Squeeze', [size]),
      writer.int(1)
    ]);
    // The position of each slot's token, and its index in past cache and new tokens together.
    const token = writer.op('Add', [writer.op('Sub', [total, kept]), place]);
    const source = writer.op('Where', [
      writer.op('Less', [token, past]),
      writer.op('Sub', [token, writer.op('Sub', [past, held])]),
      writer.op('Add', [writer.op('Sub', [token, past]), slots])
    ]);
    const there = writer.op('Less', [place, kept]);
    const index = writer.op('Where', [there, source, writer.int(0)]);
    const shape = writer.op(
      'Concat',
      [
        writer.op('Shape', [all], { start: 0, end: 2 }),
        writer.op('Reshape', [size, writer.ints([1])]),
        writer.op('Shape', [all], { start: 3, end: 4 })
      ],
      { axis: 0 }
    );
    const wide = (tensor: string): string =>
      writer.op('Unsqueeze', [tensor, writer.ints([1, 3])]);
    writer.into([name], 'Where', [
      wide(there),
      writer.op(
        'GatherElements',
        [all, writer.op('Expand', [wide(index), shape])],
        { axis: 2 }
      ),
      numberLike(this._context, 0, this._node.inputs[INPUT.query])
    ]);
  }

  /** Reshapes [batch, heads, tokens, width] to [batch, groups, heads of a group * tokens, width]. */
  private _perGroup(tensor: string): string {
    return this._reshaped(tensor, [0, this._groups, -1, 0]);
  }

  private _perHead(tensor: string): string {
    return this._reshaped(tensor, [0, this._heads, -1, 0]);
  }

  private _reshaped(tensor: string, shape: readonly number[]): string {
    const { writer } = this._context;
    return this._heads === this._groups
      ? tensor
      : writer.op('Reshape', [tensor, writer.ints(shape)]);
  }

  /** The name of an input; '' when the node omits it. */
  private _input(index: number): string {
    return this._node.inputs[index] ?? '';
  }
}
