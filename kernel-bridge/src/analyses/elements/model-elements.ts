/** A model's parts as a tree, from its graph alone: no weight is read. */
import { counted, type ModelElement, type StoredAs } from '../../base/protocol';
import { dimsOf } from '../../onnx/file/tensor';
import {
  ParameterStorage,
  type StoredSize
} from '../../onnx/graph/parameter-storage';
import { contentUpTo, streamStarts } from '../../routing/block-branches';
import type { BlockJoin } from '../../routing/blocks';
import type { Router } from '../../routing/convention';
import { findExperts, type Expert } from '../../routing/experts';
import type { LayerCard } from '../../run/model/description';
import type { ModelStructure } from '../../run/model/structure';
import { placeOf } from '../findings/finding';

/** The tree of a model: stacks, layers, their attention, MLPs, routers and experts. */
export function modelElements(structure: ModelStructure): ModelElement {
  return new ElementTree(structure).whole();
}

/** A branch of a layer, with the stored tensors that only it reads. */
interface Branch {
  join: BlockJoin;
  tensors: Set<string>;
  routers: number[];
  /** The decoder attends to the encoder there: it mixes no tokens of its own stack. */
  isCross: boolean;
}

/** Operators that only attention has, outside of routers. */
const ATTENTION: ReadonlySet<string> = new Set([
  'Softmax',
  'Attention',
  'com.microsoft.Attention',
  'com.microsoft.MultiHeadAttention'
]);

type Parts = ReadonlyMap<string, number>;

class ElementTree {
  private readonly _storage: ParameterStorage;
  /** Tensors that a part of the tree has. */
  private readonly _taken = new Set<string>();
  private readonly _experts: (Expert[] | undefined)[];
  private readonly _branches: Branch[];

  constructor(private readonly _structure: ModelStructure) {
    const { onnx, graph, found } = _structure;
    this._storage = new ParameterStorage(onnx.proto.graph);
    this._experts = found.routers.map(router =>
      findExperts(graph, router, found.blocks)
    );
    this._branches = found.blocks.joins.map(join => this._branch(join));
  }

  whole(): ModelElement {
    const { onnx, found, description } = this._structure;
    const stacks = found.blocks.counts.map(({ stack }) => stack);
    const embeddings = this._take(this._sources(streamStarts(found.blocks)));
    const layers = (stack: string | undefined): ModelElement[] =>
      this._layers(description.layers.filter(own => own.stack === stack));
    const children =
      stacks.length > 1
        ? stacks.map(stack =>
            above('stack', stack ?? 'stack', layers(stack), [])
          )
        : layers(stacks[0]);
    const head = this._take(this._sources(this._structure.graph.outputs));
    const rest = this._rest();
    const size = this._storage.whole();
    return {
      kind: 'model',
      name: onnx.name,
      ...sizeOf(size),
      facts: [
        ['file', onnx.file],
        ['opset', String(onnx.opset)],
        ['producer', onnx.producer],
        ['layers', String(description.layers.length)],
        ...description.warnings.map((warning): [string, string] => [
          'warning',
          warning
        ])
      ],
      children: [
        ...this._part('other', 'embeddings', embeddings),
        ...children,
        ...this._part('other', 'last norm and unembedding', head),
        ...this._part('other', 'all else', rest)
      ]
    };
  }

  private _layers(cards: readonly LayerCard[]): ModelElement[] {
    const byLayer = new Map<string, LayerCard[]>();
    for (const card of cards) {
      const key = `${card.stack ?? ''}/${card.layer}`;
      byLayer.set(key, [...(byLayer.get(key) ?? []), card]);
    }
    return [...byLayer.values()].map(own => this._layer(own));
  }

  private _layer(cards: readonly LayerCard[]): ModelElement {
    const [{ layer, stack }] = cards;
    const branches = this._branches.filter(
      ({ join }) => join.layer === layer && join.stack === stack
    );
    const unread = cards.flatMap(card =>
      card.moe === null ? card.unread : []
    );
    return above(
      'layer',
      `layer ${layer}`,
      branches.flatMap(branch => this._branchElements(branch)),
      [
        [
          'kind',
          cards.some(({ moe }) => moe)
            ? 'mixture of experts'
            : unread.length > 0
              ? 'not read'
              : 'dense'
        ],
        ...unread.map((node): [string, string] => [
          'selects in a way that no pattern describes',
          node
        ])
      ]
    );
  }

  private _branchElements({
    join,
    tensors,
    routers,
    isCross
  }: Branch): ModelElement[] {
    const own = this._take(tensors);
    if (routers.length > 0) {
      return routers.map(router => this._moe(router, own));
    }
    return this._part(
      join.mixes || isCross ? 'attention' : 'mlp',
      join.mixes ? 'attention' : isCross ? 'cross-attention' : 'MLP',
      own
    );
  }

  /** A router with its experts; tensors with a side of as many as there are experts are the router's. */
  private _moe(index: number, tensors: ReadonlySet<string>): ModelElement {
    const { found, graph } = this._structure;
    const router = found.routers[index];
    const experts = this._experts[index];
    const parts = (experts ?? []).map(expert => partsOf(expert, router));
    const ofExperts = new Set(parts.flatMap(own => [...own.keys()]));
    const left = [...tensors].filter(name => !ofExperts.has(name));
    const isRouters = (name: string): boolean => {
      const stored = graph.weightOf(name);
      return (
        stored !== undefined && dimsOf(stored.tensor).includes(router.experts)
      );
    };
    const choosing = experts ? left.filter(isRouters) : [];
    const others = left.filter(name => !choosing.includes(name));
    const place = placeOf(router);
    const sizes = parts.map(own => this._storage.sizeOf(own));
    return above(
      'moe',
      router.module
        ? `mixture of experts, ${router.module}`
        : 'mixture of experts',
      [
        {
          ...leaf('router', 'router', this._storage.sizeOf(whole(choosing))),
          facts: routerFacts(router),
          router: index,
          place
        },
        {
          ...leaf(
            'experts',
            counted(router.experts, 'expert'),
            this._storage.sizeOf(merged(parts))
          ),
          facts: experts
            ? []
            : [['weights', 'the graph does not tell the experts apart']],
          router: index,
          place,
          experts: sizes.map(({ parameters }) => Math.round(parameters))
        },
        ...(router.sharedExperts > 0
          ? [
              leaf(
                'shared',
                counted(router.sharedExperts, 'shared expert'),
                this._storage.sizeOf(whole(others))
              )
            ]
          : this._part('other', 'norms and all else', new Set(others)))
      ],
      []
    );
  }

  private _branch(join: BlockJoin): Branch {
    const { found, graph } = this._structure;
    const { nodes, sources } = contentUpTo(graph, found.blocks, [join.branch]);
    return {
      join,
      tensors: sources,
      routers: found.routers.flatMap((router, i) =>
        router.selectors.some(({ index }) => nodes.has(index)) &&
        router.layer === join.layer &&
        router.stack === join.stack
          ? [i]
          : []
      ),
      isCross:
        join.stack === 'decoder' &&
        [...nodes].some(index => ATTENTION.has(graph.nodes[index].op))
    };
  }

  private _sources(tensors: readonly string[]): Set<string> {
    const { graph, found } = this._structure;
    return contentUpTo(graph, found.blocks, tensors).sources;
  }

  /** Those that no part has yet. */
  private _take(tensors: ReadonlySet<string>): Set<string> {
    const own = [...tensors].filter(name => !this._taken.has(name));
    own.forEach(name => this._taken.add(name));
    return new Set(own);
  }

  private _rest(): Set<string> {
    const { onnx } = this._structure;
    const names = [
      ...(onnx.proto.graph.initializer ?? []).map(({ name }) => name ?? ''),
      ...(onnx.proto.graph.node ?? []).flatMap(({ opType, output }) =>
        opType === 'Constant' ? (output ?? []) : []
      )
    ];
    return this._take(new Set(names));
  }

  /** Nothing for a part without parameters. */
  private _part(
    kind: ModelElement['kind'],
    name: string,
    tensors: ReadonlySet<string>
  ): ModelElement[] {
    const size = this._storage.sizeOf(whole(tensors));
    return size.parameters > 0 ? [leaf(kind, name, size)] : [];
  }
}

function whole(tensors: Iterable<string>): Parts {
  return new Map([...tensors].map(name => [name, 1]));
}

/** How much of each stored tensor is an expert's. */
function partsOf(
  { weights }: Expert,
  { experts }: Router
): Map<string, number> {
  const parts = new Map<string, number>();
  for (const { tensor, scales, zeroPoint, slice } of weights) {
    for (const name of [tensor, scales, zeroPoint]) {
      if (name !== undefined) {
        parts.set(name, slice === undefined ? 1 : 1 / experts);
      }
    }
  }
  return parts;
}

function merged(parts: readonly Parts[]): Parts {
  const all = new Map<string, number>();
  for (const own of parts) {
    for (const [name, part] of own) {
      all.set(name, Math.min(1, (all.get(name) ?? 0) + part));
    }
  }
  return all;
}

function sizeOf({
  parameters,
  bytes,
  stored
}: StoredSize): Pick<ModelElement, 'parameters' | 'bytes' | 'stored'> {
  return {
    parameters: Math.round(parameters),
    bytes: Math.round(bytes),
    stored: stored.map(own => ({
      bits: own.bits,
      quantized: own.quantized,
      parameters: Math.round(own.parameters)
    }))
  };
}

function leaf(
  kind: ModelElement['kind'],
  name: string,
  size: StoredSize
): ModelElement {
  return { kind, name, ...sizeOf(size), facts: [], children: [] };
}

/** A part that is the sum of its children. */
function above(
  kind: ModelElement['kind'],
  name: string,
  children: ModelElement[],
  facts: ModelElement['facts']
): ModelElement {
  const total = (of: (child: ModelElement) => number): number =>
    children.reduce((sum, child) => sum + of(child), 0);
  const byKind = new Map<string, StoredAs>();
  for (const { bits, quantized, parameters } of children.flatMap(
    ({ stored }) => stored
  )) {
    const key = `${bits} ${quantized}`;
    const known = byKind.get(key);
    byKind.set(key, {
      bits,
      quantized,
      parameters: parameters + (known?.parameters ?? 0)
    });
  }
  return {
    kind,
    name,
    parameters: total(child => child.parameters),
    bytes: total(child => child.bytes),
    stored: [...byKind.values()].sort((a, b) => b.bits - a.bits),
    facts,
    children
  };
}

function routerFacts({
  experts,
  topK,
  pattern,
  convention,
  tensors,
  logitSteps = [],
  softcap,
  lost
}: Router): ModelElement['facts'] {
  const { selectionBias, scale, expertScale, groups, capacity } = convention;
  const facts: [string, string | undefined][] = [
    ['chooses', `${topK} of ${experts} experts`],
    ['computes', pattern],
    [
      'groups',
      groups && `the best ${groups.selected} of ${groups.count} groups`
    ],
    ['selection bias', selectionBias && 'yes, in no weight'],
    ['scale', scale === undefined ? undefined : String(scale)],
    ['scale of each expert', expertScale && 'yes'],
    ['softcap', softcap === undefined ? undefined : String(softcap)],
    ['capacity', capacity === undefined ? undefined : String(capacity)],
    [
      tensors.logitsAre === 'logits' ? 'logits' : 'probabilities',
      tensors.logits
    ],
    ['read after', logitSteps.length > 0 ? logitSteps.join(', ') : undefined],
    ['experts without a path in the graph', lost?.join(', ')]
  ];
  return facts.flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as [string, string]]
  );
}
