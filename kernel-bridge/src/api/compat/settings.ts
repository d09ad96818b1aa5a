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
  /** Share of routing events that are kept one by one, from 0 to 1. Figures are of all tokens whatever it is. */
  sampling_rate?: number;
  /** Routing events that are kept; the oldest go first. */
  buffer_size?: number;
  /** Megabytes that kept traces may take; the oldest go first. */
  memory_limit?: number;
}

const NAMES: Record<string, string> = {
  samplingRate: 'sampling_rate',
  bufferSize: 'buffer_size',
  memoryLimit: 'memory_limit'
};

/** @throws MoEDebuggerError 'input' naming a setting that does not exist, or a value that cannot be meant */
export function sessionOptions({
  sampling_rate: samplingRate,
  buffer_size: bufferSize,
  memory_limit: memoryLimit,
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
    { samplingRate, bufferSize, memoryLimit, thresholds },
    option => NAMES[option]
  );
}
