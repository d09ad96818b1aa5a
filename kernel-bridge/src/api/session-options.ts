/** Options of a tracing session. */
import { MoEDebuggerError } from '../base/errors';
import {
  resolveThresholds,
  type Thresholds
} from '../analyses/findings/thresholds';

export interface SessionOptions {
  /** Default the model's name. */
  name?: string;
  /** Share of routing events that are kept one by one, from 0 to 1. Figures are of all tokens whatever it is. Default 1. */
  samplingRate?: number;
  /** Routing events that are kept; the oldest go first. Default 10000. */
  bufferSize?: number;
  /** Megabytes that kept traces may take; the oldest go first. Default 2048. */
  memoryLimit?: number;
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
    bufferSize = 10_000,
    memoryLimit = 2048,
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
      'use name, samplingRate, bufferSize, memoryLimit or thresholds'
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
  resolveThresholds(thresholds);
  return { samplingRate, bufferSize, memoryLimit, thresholds };
}
