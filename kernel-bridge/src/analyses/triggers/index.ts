/** Triggers: token sequences that select an expert which their last token alone does not. */
export { ngramTriggers } from './ngram-triggers';
export { Triggers } from './triggers';
export { TriggerTally } from './trigger-tally';
export type { TriggerOptions } from './options';
export type { Trigger, TriggersDocument } from './trigger-document';
