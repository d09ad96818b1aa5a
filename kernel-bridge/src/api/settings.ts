/** Settings of a debugging session; names and values of the projects that this one grew from. */
import { MoEDebuggerError } from '../base/errors';
import {
  DEFAULT_THRESHOLDS,
  type Thresholds
} from '../analyses/findings/thresholds';

export interface DebuggerSettings extends Partial<Thresholds> {
  /** Share of routing events that are kept one by one, from 0 to 1. Figures are of all tokens whatever it is. */
  sampling_rate?: number;
  /** Routing events that are kept; the oldest go first. */
  buffer_size?: number;
  /** Megabytes that kept traces may take; the oldest go first. */
  memory_limit?: number;
}

export interface ResolvedSettings {
  samplingRate: number;
  bufferSize: number;
  memoryLimit: number;
  thresholds: Partial<Thresholds>;
}

/** @throws MoEDebuggerError 'usage' naming a setting that does not exist, or a value that cannot be meant */
export function resolveSettings({
  sampling_rate: samplingRate = 1,
  buffer_size: bufferSize = 10_000,
  memory_limit: memoryLimit = 2048,
  ...thresholds
}: DebuggerSettings): ResolvedSettings {
  const check = (name: string, fits: boolean, hint: string): void => {
    if (!fits) {
      throw new MoEDebuggerError('usage', `${name} cannot be that`, { hint });
    }
  };
  check(
    'sampling_rate',
    samplingRate >= 0 && samplingRate <= 1,
    'give a share from 0 to 1'
  );
  check(
    'buffer_size',
    Number.isSafeInteger(bufferSize) && bufferSize >= 0,
    'give a whole number of events, 0 or more'
  );
  check('memory_limit', memoryLimit > 0, 'give megabytes, more than 0');
  for (const name of Object.keys(thresholds)) {
    check(
      name,
      Object.hasOwn(DEFAULT_THRESHOLDS, name),
      `use sampling_rate, buffer_size, memory_limit or one of ${Object.keys(DEFAULT_THRESHOLDS).join(', ')}`
    );
  }
  return { samplingRate, bufferSize, memoryLimit, thresholds };
}
