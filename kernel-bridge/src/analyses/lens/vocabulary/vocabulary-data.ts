/** What experts say, as plain data. */
import type { RouterPlace } from '../../../base/protocol';
import type { EditRecord } from '../../../run/edits/edits';
import type { OutputsAndMean } from '../../../run/activations/expert-outputs';
import type { TokenGroup } from './token-groups';
import type { UntrainedTokens } from './untrained-tokens';

/** Halves of the prompts: every second one of a domain is of the second. */
export type Half = 'first' | 'second';

/**
 * A token, and what the expert does to its logit at the tokens that select the expert, in nats. `without` and `contrast` are
 * weighted by the probability that the token has there without any routed expert of the layer, and relative to the mean change
 * of all logits by these weights: a word counts where the model considers it.
 */
export interface LogitChange {
  id: number;
  text?: string;
  /**
   * The direct effect, unweighted: with the expert minus without it, through final norm and unembedding alone,
   * relative to the mean change of all logits, which softmax ignores.
   */
  change: number;
  /** With the expert minus without its output. */
  without: number;
  /**
   * With the expert minus with the mean output of the layer's experts in its place. Null where the graph does
   * not show other experts at these tokens.
   */
  contrast: number | null;
  /** Half the width of the 95 % interval over prompts of `contrast`, or of `without` where that is null; null: too few prompts. */
  halfWidth: number | null;
  /** Whether it differs from 0 by intervals that hold for all tokens of the vocabulary at once; null: too few prompts. */
  certain: boolean | null;
}

/** How much an expert raises the log-probability of next tokens of a group as they stand in the prompts, in nats, as `contrast`. */
export interface GroupChange {
  kind: TokenGroup['kind'];
  name: string;
  change: number | null;
  halfWidth: number | null;
}

/** The loss on some next tokens, with the expert and ablated. */
export interface LossChange {
  tokens: number;
  /** Mean negative log-probability, in nats. */
  loss: number;
  lossWithout: number;
  /** Without the expert minus with it: above 0, the expert helps. */
  change: number;
  /** Half the width of the 95 % interval over prompts; null for one prompt. */
  halfWidth: number | null;
}

export interface AblationEvidence {
  mode: 'mask' | 'drop';
  /** Next tokens that are among the raised. Each half of the prompts is measured with the list of the other half. */
  raised: LossChange | null;
  /** All other next tokens. */
  others: LossChange | null;
  /** Next tokens that are left out: the model itself has no finite loss there. Absent for none. */
  notFinite?: number;
}

export interface ExpertWords {
  expert: number;
  /** Tokens that select the expert, and prompts that have such tokens. */
  tokens: number;
  prompts: number;
  raised: LogitChange[];
  lowered: LogitChange[];
  groups: GroupChange[];
  /** Null: not measured; `notes` says why. */
  evidence: AblationEvidence | null;
  /** What cannot be told of it, and why. */
  notes: string[];
}

/** An expert that raises a token. */
export interface RaisingExpert {
  expert: number;
  contrast: number;
  halfWidth: number | null;
  certain: boolean | null;
}

/** A token, and the experts that raise it, strongest first. */
export interface RaisedToken {
  id: number;
  text?: string;
  experts: RaisingExpert[];
}

export interface VocabularyData extends RouterPlace {
  /** What the prompts ran with. */
  edits: readonly EditRecord[];
  /** All tokens of the prompts. */
  of: number;
  prompts: number;
  /** Which experts' mean the contrast is with; null: there is no contrast, and lists are by `without`. */
  contrastWith: OutputsAndMean['meanOf'];
  /** 'total': effects through later layers count. 'direct': they do not; `notes` says why where it was not asked for. */
  effect: 'total' | 'direct';
  untrained: UntrainedTokens;
  experts: ExpertWords[];
  /** The tokens that any list of raised ones has. */
  tokens: RaisedToken[];
  notes: string[];
}
