/** Options of the search for expert pipelines, and their validation. */
import { MoEDebuggerError } from '../../base/errors';
import type { Progress } from '../../base/progress';
import type { PipelineThresholds } from './expert-pipelines';

export interface PipelineOptions extends PipelineThresholds {
  /**
   * Tokens per step on which the effect of the earlier expert on the later one's score is measured, by gradients. Default
   * 8; 0 for none.
   */
  effectTokens?: number;
  signal?: AbortSignal;
  /** Called while prompts run, then while effects are measured. */
  onProgress?: (progress: Progress) => void;
}

type Settings = Required<
  Pick<PipelineOptions, 'alpha' | 'minLift' | 'span' | 'effectTokens'>
>;

/** @throws MoEDebuggerError 'input' naming the invalid option */
export function pipelineOptions({
  alpha = 0.05,
  minLift = 1.5,
  span = 1,
  effectTokens = 8
}: PipelineOptions): Settings {
  const options: Settings = { alpha, minLift, span, effectTokens };
  const fits: Record<keyof Settings, boolean> = {
    alpha: alpha > 0 && alpha <= 1,
    minLift: minLift > 0,
    span: Number.isInteger(span) && span > 0,
    effectTokens: Number.isInteger(effectTokens) && effectTokens >= 0
  };
  for (const name of Object.keys(fits) as (keyof Settings)[]) {
    if (!fits[name]) {
      throw new MoEDebuggerError(
        'input',
        `${name} cannot be ${String(options[name])}`,
        { where: name, hint: HINTS[name] }
      );
    }
  }
  return options;
}

const HINTS: Record<keyof Settings, string> = {
  alpha: 'give a number above 0 and up to 1',
  minLift: 'give a number above 0',
  span: 'give a whole number of at least 1',
  effectTokens: 'give a whole number of at least 0'
};
