/** The nodes that can be patched between two runs, and their tensors in the graph. */
import {
  layerName,
  type CircuitNode,
  type CircuitNodeKind
} from '../../base/protocol';
import { branchId } from './sources';
import type { StreamLayout } from './stream-layout';
import { watchedTensors, type RecordedRun, type TwoRuns } from './two-runs';

export interface PatchNode {
  id: string;
  kind: CircuitNodeKind;
  layer?: number;
  index?: number;
  /** Position along the stream. */
  rank: number;
  /** The tensor that it writes, or adds to. */
  tensor: string;
  /** Index among the sources that add to the tensor; undefined if the tensor is the node's alone. */
  part?: number;
}

/** Ranks of a branch: its own, its parts', and the stream's after it. */
const RANKS = 3;

export function rankOf(branch: number, step: 0 | 1 | 2): number {
  return branch < 0 ? 0 : 1 + RANKS * branch + step;
}

/** By rank. */
export function patchNodes({ layout, sources }: TwoRuns): PatchNode[] {
  const { branches, states } = layout;
  const watched = watchedTensors(layout);
  return [
    {
      id: 'embedding',
      kind: 'embedding' as const,
      rank: 0,
      tensor: states[0]
    },
    ...branches.flatMap((own, branch): PatchNode[] => {
      const { layer, kind } = own;
      const parts = sources.flatMap((source, part) =>
        source.branch === branch && source.id !== branchId(own)
          ? [{ source, part }]
          : []
      );
      return [
        ...watched.routers
          .filter(router => router.branch === branch)
          .map(({ tensor }): PatchNode => ({
            id: `${own.name} router`,
            kind: 'router',
            layer,
            rank: rankOf(branch, 0),
            tensor
          })),
        {
          id: branchId(own),
          kind,
          layer,
          rank: rankOf(branch, 0),
          tensor: own.branch
        },
        ...parts.map(
          ({ source: { id, kind: of, index }, part }): PatchNode => ({
            id,
            kind: of,
            layer,
            ...(index === undefined ? {} : { index }),
            rank: rankOf(branch, 1),
            tensor: own.branch,
            part
          })
        ),
        ...watched.residual
          .filter(stream => stream.branch === branch)
          .map(({ tensor }): PatchNode => ({
            id: `layer ${layer} residual`,
            kind: 'residual',
            layer,
            rank: rankOf(branch, 2),
            tensor
          }))
      ];
    })
  ];
}

/** The node that the target is read from; not among the patched nodes. */
export function targetNode({
  branches,
  targetRouter: router
}: StreamLayout): Pick<CircuitNode, 'id' | 'kind' | 'layer' | 'rank'> {
  return {
    ...(router
      ? {
          id: `${layerName(router)} router`,
          kind: 'router',
          layer: router.layer
        }
      : { id: 'logits', kind: 'logits' }),
    rank: rankOf(branches.length, 0)
  };
}

/** Values of a node in a run, [tokens, ...]. */
export function valuesOf(
  { tensor, part }: PatchNode,
  { added, tensors }: RecordedRun
): Float32Array {
  return part === undefined ? tensors.get(tensor)! : added[part];
}
