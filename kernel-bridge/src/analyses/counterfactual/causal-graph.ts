/** Causal graph of an edit: the edit, the experts whose selection changed, and the output. */
import type { EditRecord } from '../../run/edits/edits';
import type { RouterIdentity } from '../../base/protocol';

/**
 * - total: the difference between the run with the edits and the run without, by any path;
 * - direct: the effect of one change of routing while every other router is held to its experts and weights of the run
 *   without edits, so that the effect passes through the residual stream alone. The natural direct effect (Pearl 2001,
 *   "Direct and indirect effects") with the other routers as mediators.
 */
export type Effect = 'total' | 'direct';

export interface EditNode {
  id: 'edit';
  kind: 'edit';
  edits: readonly EditRecord[];
}

export interface ExpertNode extends Pick<
  RouterIdentity,
  'layer' | 'stack' | 'module'
> {
  id: string;
  kind: 'expert';
  expert: number;
  /** An edit acts on this router. */
  edited: boolean;
  /** Positions that select the expert only with the edits, and only without: total effects. */
  entered: number[];
  left: number[];
}

export interface OutputNode {
  id: 'output';
  kind: 'output';
}

export type CausalNode = EditNode | ExpertNode | OutputNode;

/** KL(with the change || without) of the next-token distribution, in nats. */
export interface OutputEffect {
  /** Mean over the prompt's tokens; null where logits are not finite. */
  mean: number | null;
  /** At the last token. */
  last: number | null;
}

export interface CausalEdge {
  from: string;
  to: string;
  effect: Effect;
  /** Edges to an expert: positions where it enters, and leaves. */
  entered?: number[];
  left?: number[];
  /** Edges to the output. */
  kl?: OutputEffect;
}

export interface CausalGraph {
  /** 'total' where direct effects were not measured; `why` gives the reason. */
  effects: Effect;
  why?: string;
  /** Experts whose direct effects were not measured because of `maxRuns`. */
  unmeasured: string[];
  /** The edit first, experts in graph order, the output last. */
  nodes: CausalNode[];
  edges: CausalEdge[];
}

/** Positions at which each expert entered and left. */
export type ExpertChanges = Map<number, { entered: number[]; left: number[] }>;

/** Records that an expert entered or left at a position. */
export function noteChange(
  changes: ExpertChanges,
  expert: number,
  how: 'entered' | 'left',
  position: number
): void {
  const found = changes.get(expert) ?? { entered: [], left: [] };
  found[how].push(position);
  changes.set(expert, found);
}
