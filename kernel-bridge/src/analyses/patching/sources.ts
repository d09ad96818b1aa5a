/**
 * Sources that write to the residual stream: the embeddings, and each branch's heads or experts as far as the graph
 * separates them. A source's output is its branch's output with the values or weights of all others set to zero, minus
 * the output with all set to zero: the path from there to the stream is linear, which a run verifies.
 */
import type { AttentionTensor } from '../attention/attention';
import type { TensorFacts } from '../../run/gradients/tensor-facts';
import type { CircuitNodeKind } from '../../base/protocol';
import type { GraphCopy, Renamed } from './graph-copy';
import type { StreamBranch, StreamLayout } from './stream-layout';

export interface Source {
  id: string;
  kind: Extract<
    CircuitNodeKind,
    'embedding' | 'attention' | 'head' | 'moe' | 'expert' | 'mlp'
  >;
  layer?: number;
  /** Index of the head or expert. */
  index?: number;
  /** Index of its branch; -1 for the embeddings. */
  branch: number;
}

/** Branches with more parts are not separated. */
const MAX_PARTS = 128;

/** Id of a whole branch. */
export function branchId({ name, kind }: StreamBranch): string {
  return `${name} ${NAMES[kind]}`;
}

const NAMES: Record<StreamBranch['kind'], string> = {
  attention: 'attention',
  moe: 'experts',
  mlp: 'MLP'
};

/** Number of heads or experts that a branch can be separated into; 0 if none. */
export function partCount(branch: StreamBranch, facts: TensorFacts): number {
  const { attention, routed } = branch;
  const parts = attention
    ? headSizes(attention.mixed, facts)?.count === attention.heads
      ? attention.heads
      : 0
    : branch.kind === 'moe' && routed!.weights.length > 0
      ? routed!.router.experts
      : 0;
  return parts > 1 && parts <= MAX_PARTS ? parts : 0;
}

/** @param whole indices of branches that are not separated */
export function listSources(
  { branches, prepared }: StreamLayout,
  whole: ReadonlySet<number>
): Source[] {
  return [
    { id: 'embedding', kind: 'embedding', branch: -1 },
    ...branches.flatMap((own, branch): Source[] => {
      const { layer, kind, routed } = own;
      const parts = whole.has(branch) ? 0 : partCount(own, prepared.facts);
      if (parts === 0) {
        return [{ id: branchId(own), kind, layer, branch }];
      }
      const part = kind === 'attention' ? 'head' : 'expert';
      return [
        ...Array.from({ length: parts }, (_, index): Source => ({
          id: `${own.name} ${part} ${index}`,
          kind: part,
          layer,
          index,
          branch
        })),
        // The branch's output when no routed expert runs.
        ...(routed && routed.router.sharedExperts > 0
          ? [
              {
                id: `${own.name} shared experts`,
                kind: 'mlp' as const,
                layer,
                branch
              }
            ]
          : [])
      ];
    })
  ];
}

/**
 * Adds nodes that compute the output of each source of a branch, in order.
 * @param now new names of the branch's tensors, if they were copied
 * @returns also the remainder that no source adds, if the branch was separated
 */
export function writeSources(
  copy: GraphCopy,
  own: StreamBranch,
  sources: readonly Source[],
  now: Renamed
): { tensors: string[]; rest?: string } {
  const { branch } = own;
  if (sources.length === 1 && sources[0].index === undefined) {
    return { tensors: [now.get(branch) ?? branch] };
  }
  const without = (part: number | undefined): string =>
    copy.copy(branch, masked(copy, own, part, now), now).name;
  const rest = without(undefined);
  return {
    rest,
    tensors: sources.map(({ index }) =>
      index === undefined
        ? rest
        : copy.like(branch, 'Sub', [without(index), rest])
    )
  };
}

/** The tensors that hold the values or weights of all parts, masked to one part. */
function masked(
  copy: GraphCopy,
  { attention, routed }: StreamBranch,
  part: number | undefined,
  now: Renamed
): Renamed {
  const { facts } = copy;
  const masked = (tensor: string, mask: string): [string, string] => [
    tensor,
    copy.like(tensor, 'Mul', [now.get(tensor) ?? tensor, mask])
  ];
  if (attention) {
    const { tensor } = attention.mixed;
    return new Map([masked(tensor, headMask(copy, attention.mixed, part))]);
  }
  const { weights, selected, router } = routed!;
  return new Map(
    weights.map((tensor, i) => {
      const type = facts.type(tensor);
      if (part === undefined) {
        return masked(tensor, copy.constant([0], [1], type));
      }
      if (selected.length === 0) {
        return masked(
          tensor,
          copy.constant(oneAt(part, router.experts), [router.experts], type)
        );
      }
      const ids = selected[i];
      const equal = copy.writer.op('Equal', [
        now.get(ids) ?? ids,
        copy.writer.op('Cast', [copy.writer.ints([part])], {
          to: facts.type(ids)
        })
      ]);
      return masked(tensor, copy.like(tensor, 'Cast', [equal], { to: type }));
    })
  );
}

/** A constant that is 1 at one head of a tensor, and broadcasts over its other axes. */
export function headMask(
  copy: GraphCopy,
  tensor: AttentionTensor,
  head: number | undefined
): string {
  const { dims, count } = headSizes(tensor, copy.facts)!;
  return copy.constant(
    oneAt(head, count),
    dims,
    copy.facts.type(tensor.tensor)
  );
}

/** Sizes of the head axes, 1 for the others; undefined if batch and heads share an axis. */
export function headSizes(
  { tensor, axes }: AttentionTensor,
  facts: TensorFacts
): { dims: number[]; count: number } | undefined {
  const dims = axes.map((axis, i) =>
    axis === 'heads'
      ? facts.fixedAxis(tensor, i)
      : axis === 'batch-heads'
        ? undefined
        : 1
  );
  return dims.every(size => size !== undefined)
    ? {
        dims: dims as number[],
        count: (dims as number[]).reduce((n, size) => n * size, 1)
      }
    : undefined;
}

function oneAt(index: number | undefined, length: number): number[] {
  return Array.from({ length }, (_, i) => (i === index ? 1 : 0));
}
