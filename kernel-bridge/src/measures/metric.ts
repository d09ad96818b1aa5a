/** What a metric is: a row of the tables in this folder, which documents, settings, figures and docs/measures.md read. */

/** What must be known of a run, or of a model, to compute a metric. */
export type Need =
  /** Which experts each token selected. */
  | 'ids'
  /** With what weights; first choices are told by them. */
  | 'weights'
  /** The router's logits, or probabilities, of all experts. */
  | 'logits'
  | 'tokenIds'
  | 'texts'
  | 'domains'
  /** The parameters of the experts, or what they put out on given tokens. */
  | 'expertWeights'
  | 'expertOutputs';

export type Unit =
  | ''
  | 'share'
  | 'nats'
  | 'nats²'
  | 'tokens'
  | 'experts'
  | 'weight'
  | 'logit'
  | 'norm'
  | 'values'
  | 'p'
  | 'rank';

export interface Metric<Compute> {
  /** In figures and pages. */
  title: string;
  /** Heads its column in tables of layers, for people; those without one are in documents only. */
  short?: string;
  unit: Unit;
  /** In the symbols that docs/measures.md defines. */
  formula: string;
  /** Where the formula was published; none for plain counts. */
  source?: string;
  needs: readonly Need[];
  /** The least and the largest value that it can have. */
  range: readonly [least: number, largest: number];
  /** Where one end of the range is what one wants of a router. */
  better?: 'high' | 'low';
  compute: Compute;
}
