/** What a model can be asked about why it does what it does, beside running it. */
import type { AttentionRecord } from '../attention/attention-record';
import type { FindHeadsOptions } from '../attention/find-heads';
import type { HeadsResult } from '../attention/heads-result';
import { findHeads, readAttention } from '../attention/load-attention';
import type { AttentionOptions } from '../attention/read-attention';
import type { Attribution } from '../attribution/attribution';
import { attribute } from '../attribution/load-attribute';
import type { AttributeOptions } from '../attribution/options';
import type { ModelParts } from './model-parts';
import type { Prompt } from './prompt';

export abstract class ExplainedModel {
  /** @internal what analyses run the model with */
  abstract readonly parts: ModelParts;

  /**
   * Which tokens, layers or experts a logit or a routing decision comes from.
   *
   * @throws MoEDebuggerError 'input' for a prompt, a target or an option that does not fit, 'gradient' naming a node
   * that cannot be differentiated, or where memory would not suffice; 'cancelled'
   */
  async attribute(
    prompt: Prompt,
    options: AttributeOptions = {}
  ): Promise<Attribution> {
    return attribute(this.parts, prompt, options);
  }

  /**
   * What each head of each layer attends to: probabilities, [heads, queries, keys].
   *
   * @throws MoEDebuggerError 'input' for a prompt that does not fit or is too long, 'model-unsupported' where the graph
   * shows no attention, 'gradient' where it has no form in plain operators; 'cancelled'
   */
  async attention(
    prompt: Prompt,
    options: AttentionOptions = {}
  ): Promise<AttentionRecord> {
    return readAttention(this.parts, prompt, options);
  }

  /**
   * Induction, previous-token and duplicate-token heads, by what heads attend to in random tokens that are repeated.
   *
   * @throws MoEDebuggerError as `attention`, and 'input' for an option that does not fit
   */
  async findHeads(options: FindHeadsOptions = {}): Promise<HeadsResult> {
    return findHeads(this.parts, options);
  }
}
