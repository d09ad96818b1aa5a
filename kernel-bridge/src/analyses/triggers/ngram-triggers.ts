/** Finds token sequences that trigger an expert which their last token alone does not. */
import { samplesIn, type TraceInput } from '../findings/trace-input';
import type { TriggerOptions } from './options';
import { TriggerTally } from './trigger-tally';
import type { Triggers } from './triggers';

/**
 * Sequences that occur in at least 10 texts and select an expert more often than their last token does elsewhere, by
 * Fisher's exact test of texts, corrected for all pairs of sequence and expert that occur (Benjamini and Hochberg).
 * Repeats after the same tokens count once, and unknown tokens are in no sequence.
 *
 * @param trace a trace, or its samples
 * @throws MoEDebuggerError 'input' for what is no trace, one without samples or known tokens, or an invalid option
 */
export function ngramTriggers(
  trace: TraceInput,
  options: TriggerOptions = {}
): Triggers {
  const tally = new TriggerTally(options);
  const { samples, ...origin } = samplesIn(trace, 'ngramTriggers');
  for (const sample of samples) {
    tally.add(sample);
  }
  return tally.found(origin);
}
