/** Settings of `MoEDebugger`: names and values of the projects that this one grew from. */
import { MoEDebuggerError } from '../../base/errors';
import {
  DEFAULT_THRESHOLDS,
  type Thresholds
} from '../../analyses/findings/thresholds';
import {
  resolveSessionOptions,
  type ResolvedSessionOptions
} from '../session-options';

export interface DebuggerSettings extends Partial<Thresholds> {
  /** Share of the tokens whose routing is captured, from 0 to 1; figures are of these. */
  sampling_rate?: number;
  /** Draws which tokens are captured. */
  sampling_seed?: number;
  /** Routing events that are kept; the oldest go first. */
  buffer_size?: number;
  /** Megabytes that kept traces and events may take; the oldest go first. */
  memory_limit?: number;
  /** Megabytes of kept traces that also answer the same question again, without a run. */
  cache_limit?: number;
}

const NAMES: Record<string, string> = {
  samplingRate: 'sampling_rate',
  samplingSeed: 'sampling_seed',
  bufferSize: 'buffer_size',
  memoryLimit: 'memory_limit',
  cacheLimit: 'cache_limit'
};

/** @throws MoEDebuggerError 'input' naming a setting that does not exist, or a value that cannot be meant */
export function sessionOptions({
  sampling_rate: samplingRate,
  sampling_seed: samplingSeed,
  buffer_size: bufferSize,
  memory_limit: memoryLimit,
  cache_limit: cacheLimit,
  ...thresholds
}: DebuggerSettings): ResolvedSessionOptions {
  for (const name of Object.keys(thresholds)) {
    if (!Object.hasOwn(DEFAULT_THRESHOLDS, name)) {
      throw new MoEDebuggerError('input', `${name} cannot be that`, {
        hint: `use ${[...Object.values(NAMES), ...Object.keys(DEFAULT_THRESHOLDS)].join(', ')}`
      });
    }
  }
  return resolveSessionOptions(
    {
      samplingRate,
      samplingSeed,
      bufferSize,
      memoryLimit,
      cacheLimit,
      thresholds
    },
    option => NAMES[option]
  );
}
