/** Options of a tracing session. */
import { MoEDebuggerError } from '../base/errors';
import {
  resolveThresholds,
  type Thresholds
} from '../analyses/findings/thresholds';

export interface SessionOptions {
  /** Default the model's name. */
  name?: string;
  /**
   * Share of the tokens whose routing is captured, from 0 to 1; what it costs falls with it, and figures are of the captured
   * tokens. Default 1.
   */
  samplingRate?: number;
  /** Draws which tokens are captured; the same seed draws the same. Default 0. */
  samplingSeed?: number;
  /** Routing events that are kept; the oldest go first. Default 10000. */
  bufferSize?: number;
  /** Megabytes that kept traces and events may take; the oldest go first, and `summary.memory` counts them. Default 2048. */
  memoryLimit?: number;
  /**
   * Megabytes of kept traces that also answer the same question again, without a run; 0 for none. Default 256.
   */
  cacheLimit?: number;
  /** What findings are judged by. */
  thresholds?: Partial<Thresholds>;
}

export type ResolvedSessionOptions = Required<Omit<SessionOptions, 'name'>>;

/**
 * @param named how the caller calls an option, for the error
 * @throws MoEDebuggerError 'input' naming an option that does not exist, or a value that cannot be meant
 */
export function resolveSessionOptions(
  {
    samplingRate = 1,
    samplingSeed = 0,
    bufferSize = 10_000,
    memoryLimit = 2048,
    cacheLimit = 256,
    thresholds = {},
    ...others
  }: Omit<SessionOptions, 'name'>,
  named: (option: keyof SessionOptions) => string = option => option
): ResolvedSessionOptions {
  const refuse = (option: string, hint: string): never => {
    throw new MoEDebuggerError('input', `${option} cannot be that`, { hint });
  };
  for (const option of Object.keys(others)) {
    refuse(
      option,
      'use name, samplingRate, samplingSeed, bufferSize, memoryLimit, cacheLimit or thresholds'
    );
  }
  if (!(samplingRate >= 0 && samplingRate <= 1)) {
    refuse(named('samplingRate'), 'give a share from 0 to 1');
  }
  if (!Number.isSafeInteger(bufferSize) || bufferSize < 0) {
    refuse(named('bufferSize'), 'give a whole number of events, 0 or more');
  }
  if (!(memoryLimit > 0)) {
    refuse(named('memoryLimit'), 'give megabytes, more than 0');
  }
  if (!Number.isSafeInteger(samplingSeed) || samplingSeed < 0) {
    refuse(named('samplingSeed'), 'give a whole number, 0 or more');
  }
  if (!(cacheLimit >= 0)) {
    refuse(named('cacheLimit'), 'give megabytes, 0 or more');
  }
  resolveThresholds(thresholds);
  return {
    samplingRate,
    samplingSeed,
    bufferSize,
    memoryLimit,
    cacheLimit,
    thresholds
  };
}
