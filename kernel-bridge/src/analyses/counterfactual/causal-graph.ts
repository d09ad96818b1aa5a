/** By which experts an edit's effect went: the edit, the experts whose selection changed, the output. */
import type { EditRecord } from '../../run/edits/edits';
import type { RouterIdentity } from '../../base/protocol';

/**
 * - total: the whole difference between the run with the edits and the run without, by whatever way;
 * - direct: what one change of routing does while every other router is held to the experts and weights that it had
 *   without the edits, so that it goes by the residual stream and not by way of another choice. The natural direct
 *   effect (Pearl 2001, "Direct and indirect effects") with the other routers for mediators.
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
  /** An edit acts on this router itself. */
  edited: boolean;
  /** Positions that took the expert up, and gave it up, with the edits: total effects. */
  entered: number[];
  left: number[];
}

export interface OutputNode {
  id: 'output';
  kind: 'output';
}

export type CausalNode = EditNode | ExpertNode | OutputNode;

/** KL of the distribution over the next token without the change from that with it, in nats. */
export interface OutputEffect {
  /** Over the tokens of the prompt; null where logits are not finite. */
  mean: number | null;
  /** At the last token. */
  last: number | null;
}

export interface CausalEdge {
  from: string;
  to: string;
  effect: Effect;
  /** Of an edge to an expert: positions where it enters, and leaves. */
  entered?: number[];
  left?: number[];
  /** Of an edge to the output. */
  kl?: OutputEffect;
}

export interface CausalGraph {
  /** 'total' where direct effects were not measured, for a reason that `why` gives. */
  effects: Effect;
  why?: string;
  /** Experts whose own direct effects were left out, since there were more than `maxRuns` to measure. */
  unmeasured: string[];
  /** The edit first, experts in graph order, the output last. */
  nodes: CausalNode[];
  edges: CausalEdge[];
}

/** Positions by expert, of those that entered and those that left. */
export type ExpertChanges = Map<number, { entered: number[]; left: number[] }>;

/** Notes that an expert entered or left at a position. */
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
