/**
 * A graph in which each reader of the residual stream has an input of its own, a copy of the path from the stream to
 * it, so that a source's output can be patched for one reader alone. With no edge patched the graph computes the same as
 * the model.
 */
import type { Attention } from '../attention/attention';
import { inputOf } from '../../run/gradients/embeddings';
import type { DerivedGraph } from '../../run/gradients/model-gradients';
import { ELEMENT } from '../../onnx/file/schema';
import {
  ancestors,
  GraphCopy,
  valuesRead,
  type Renamed
} from '../patching/graph-copy';
import { rankOf, targetNode } from '../patching/patch-nodes';
import {
  branchId,
  headMask,
  headSizes,
  partCount,
  writeSources,
  type Source
} from '../patching/sources';
import { remembered } from '../../base/remembered';
import type { StreamBranch, StreamLayout } from '../patching/stream-layout';
import type { CircuitInput, CircuitNodeKind } from '../../base/protocol';

/** An input of a node by which it reads the residual stream. */
export interface Reader {
  /** Id of its node. */
  node: string;
  kind: CircuitNodeKind;
  layer?: number;
  index?: number;
  rank: number;
  input?: CircuitInput;
  /** It reads the sum of the embeddings and the branches before this index. */
  state: number;
  /** The tensor that it reads in the graph. */
  tensor: string;
}

export interface EdgeGraph {
  derived: DerivedGraph;
  readers: Reader[];
  /** The tensor that the target is read from. */
  target: string;
  /** Whether the outputs of single sources can be patched. */
  exchanges: boolean;
}

const PREFIX = 'moe_debugger/edges/';

/** Inputs of a graph whose edges can be patched. */
export const EDGE_INPUT = {
  /** float32 [batch, readers, sources]: 1 where the reader gets the source's output of the other run. */
  exchanged: `${PREFIX}exchanged`,
  /** float32 [1, sources, tokens * width]: the sources' outputs in the other run. */
  others: `${PREFIX}others`
} as const;

/** Above this many per-head Q/K/V copies, a layer's heads share one reader. */
const MAX_HEAD_READERS = 384;

export interface EdgeGraphOptions {
  /** Patch edges; otherwise the graph is for differentiation. */
  exchanges: boolean;
}

export function edgeGraph(
  layout: StreamLayout,
  sources: readonly Source[],
  { exchanges }: EdgeGraphOptions
): EdgeGraph {
  const key = `${exchanges} ${sources.map(({ id }) => id).join()}`;
  return graphs(layout, key, () =>
    new EdgeGraphWriter(layout, sources, exchanges).write()
  );
}

const graphs = remembered<StreamLayout, EdgeGraph>();

class EdgeGraphWriter {
  private readonly _copy: GraphCopy;
  private readonly _readers: Reader[] = [];
  /** The current state tensors. */
  private readonly _states = new Map<string, string>();
  /** Per state: own minus other output of each source before it, [batch, sources, tokens * width]. */
  private readonly _added: (string | undefined)[] = [];
  /** Number of sources before each state. */
  private readonly _counts: number[] = [];
  private readonly _perHead: boolean;

  constructor(
    private readonly _layout: StreamLayout,
    private readonly _sources: readonly Source[],
    private readonly _exchanges: boolean
  ) {
    const { graph, prepared, branches } = _layout;
    this._copy = new GraphCopy(graph, prepared.facts, PREFIX);
    const heads = branches
      .filter(({ attention }) => attention)
      .reduce((sum, own) => sum + 3 * partCount(own, prepared.facts), 0);
    this._perHead = heads <= MAX_HEAD_READERS;
  }

  write(): EdgeGraph {
    const { branches, states, targetReads } = this._layout;
    if (this._exchanges) {
      this._input(EDGE_INPUT.exchanged);
      this._input(EDGE_INPUT.others);
    }
    this._states.set(states[0], states[0]);
    this._addSources(0, this._ofBranch(-1), [states[0]]);
    branches.forEach((own, i) => {
      const now = this._branch(own, i);
      const { tensors } = writeSources(this._copy, own, this._ofBranch(i), now);
      const stream = this._copy.copy(own.stream, this._states).name;
      const sum = this._copy.like(own.join.outputs[0], 'Add', [
        stream,
        now.get(own.branch) ?? own.branch
      ]);
      this._states.set(states[i + 1], sum);
      this._addSources(i + 1, this._ofBranch(i), tensors);
    });
    const target = this._target();
    return {
      derived: this._copy.build(
        `edges ${this._exchanges} ${targetReads} ${this._layout.target} ${this._sources.map(({ id }) => id).join()}`
      ),
      readers: this._readers,
      target,
      exchanges: this._exchanges
    };
  }

  private _ofBranch(branch: number): Source[] {
    return this._sources.filter(source => source.branch === branch);
  }

  /** Copies a branch with inputs of its own; returns the new names of its tensors. */
  private _branch(own: StreamBranch, i: number): Renamed {
    const place = {
      node: branchId(own),
      kind: own.kind,
      layer: own.layer,
      rank: rankOf(i, 0),
      state: own.reads
    };
    const ways = this._ways(own);
    if (!ways) {
      return this._through(own.branch, this._reader(place));
    }
    const given = new Map<string, string>();
    const into = (tensor: string, reader: Omit<Reader, 'tensor'>): string => {
      return this._through(tensor, this._reader(reader)).get(tensor)!;
    };
    for (const { tensor, input, attention } of ways) {
      const parts = attention ? this._headParts(i, attention) : 0;
      given.set(
        tensor,
        parts === 0
          ? into(tensor, { ...place, input })
          : this._sum(
              tensor,
              Array.from({ length: parts }, (_, head) =>
                this._copy.like(tensor, 'Mul', [
                  into(tensor, {
                    ...place,
                    node: `${own.name} head ${head}`,
                    kind: 'head',
                    index: head,
                    rank: rankOf(i, 1),
                    input
                  }),
                  headMask(this._copy, attention![input as 'query'], head)
                ])
              )
            )
      );
    }
    if (own.routed) {
      // The remaining inputs are read by the experts.
      const rest = this._reader({ ...place, input: 'experts' });
      return this._through(own.branch, rest, given);
    }
    return this._copy.copy(own.branch, new Map([...this._states, ...given]))
      .renamed;
  }

  /**
   * The inputs by which a branch reads the stream; undefined where they cannot be separated. For experts, the router's
   * logits: everything else that reads the stream is the experts.
   */
  private _ways(
    own: StreamBranch
  ):
    | { tensor: string; input: CircuitInput; attention?: Attention }[]
    | undefined {
    const { graph } = this._layout;
    const { attention, routed, branch } = own;
    const state = this._layout.states[own.reads];
    const reads = (tensor: string, ends: readonly string[]): boolean =>
      valuesRead(graph, tensor, new Set([...ends, state])).has(state);
    if (attention) {
      const inputs = ['query', 'key', 'value'] as const;
      const tensors = inputs.map(input => attention[input].tensor);
      return new Set(tensors).size === 3 && !reads(branch, tensors)
        ? inputs.map((input, i) => ({ tensor: tensors[i], input, attention }))
        : undefined;
    }
    const logits = routed?.router.tensors.logits;
    return own.kind === 'moe' &&
      logits !== undefined &&
      ancestors(graph, branch, new Set([state]), true).some(({ outputs }) =>
        outputs.includes(logits)
      ) &&
      reads(branch, [logits])
      ? [{ tensor: logits, input: 'router' }]
      : undefined;
  }

  /** Number of heads with readers of their own; 0 if they share one. */
  private _headParts(i: number, attention: Attention): number {
    const { heads } = attention;
    return this._perHead &&
      heads > 1 &&
      this._ofBranch(i).length === heads &&
      (['query', 'key', 'value'] as const).every(
        input => headSizes(attention[input], this._copy.facts)?.count === heads
      )
      ? heads
      : 0;
  }

  /** Copies the path from a reader's state to a tensor, starting at the reader's input. */
  private _through(
    tensor: string,
    reader: Reader,
    given: Renamed = new Map()
  ): Renamed {
    const { states } = this._layout;
    return this._copy.copy(
      tensor,
      new Map([
        ...this._states,
        [states[reader.state], reader.tensor],
        ...given
      ])
    ).renamed;
  }

  /** A reader's input: the state, plus the difference to the other run for each patched source. */
  private _reader(reader: Omit<Reader, 'tensor'>): Reader {
    const state = this._layout.states[reader.state];
    const now = this._states.get(state)!;
    const { _copy: copy } = this;
    const { writer } = copy;
    const added = this._added[reader.state];
    if (added === undefined) {
      const own = { ...reader, tensor: copy.like(state, 'Identity', [now]) };
      this._readers.push(own);
      return own;
    }
    const at = this._readers.length;
    const row = writer.op('Slice', [
      EDGE_INPUT.exchanged,
      writer.ints([at, 0]),
      writer.ints([at + 1, this._counts[reader.state]]),
      writer.ints([1, 2])
    ]);
    const change = writer.op('Reshape', [
      writer.op('MatMul', [row, added]),
      writer.op('Shape', [now])
    ]);
    const type = copy.facts.type(state);
    const own = {
      ...reader,
      tensor: copy.like(state, 'Add', [
        now,
        type === ELEMENT.float
          ? change
          : writer.op('Cast', [change], { to: type })
      ])
    };
    this._readers.push(own);
    return own;
  }

  /** Records the outputs of the sources before a state. */
  private _addSources(
    state: number,
    sources: readonly Source[],
    tensors: readonly string[]
  ): void {
    const before = this._counts[state - 1] ?? 0;
    const count = before + sources.length;
    this._counts[state] = count;
    if (!this._exchanges) {
      return;
    }
    const { writer } = this._copy;
    const ids = this._layout.prepared.ids;
    const rows = writer.op(
      'Concat',
      [
        writer.op('Shape', [ids], { start: 0, end: this._batched ? 1 : 0 }),
        writer.ints(this._batched ? [1, -1] : [1, 1, -1])
      ],
      { axis: 0 }
    );
    const flat = tensors.map(tensor =>
      writer.op('Reshape', [
        writer.op('Cast', [tensor], { to: ELEMENT.float }),
        rows
      ])
    );
    const others = writer.op('Slice', [
      EDGE_INPUT.others,
      writer.ints([before]),
      writer.ints([count]),
      writer.ints([1])
    ]);
    const change = writer.op('Sub', [
      others,
      flat.length === 1 ? flat[0] : writer.op('Concat', flat, { axis: 1 })
    ]);
    const earlier = this._added[state - 1];
    this._added[state] = earlier
      ? writer.op('Concat', [earlier, change], { axis: 1 })
      : change;
  }

  private get _batched(): boolean {
    return this._copy.facts.rank(this._layout.prepared.ids) > 1;
  }

  private _sum(like: string, tensors: readonly string[]): string {
    return this._copy.like(like, 'Sum', tensors);
  }

  private _target(): string {
    const { target, targetReads } = this._layout;
    const { id: node, ...place } = targetNode(this._layout);
    const reader = this._reader({ node, ...place, state: targetReads });
    return this._through(target, reader).get(target)!;
  }

  private _input(name: string): void {
    this._copy.inputs.push(
      inputOf(
        name,
        ELEMENT.float,
        [0, 1, 2].map(axis => `${name}_${axis}`)
      )
    );
  }
}
