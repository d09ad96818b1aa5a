/** Imports traces of other programs to Parquet. The formats are loaded at the first import. */
import { lazily } from '../../base/lazily';

export type { ImportFormat } from './formats';
export type { ImportOptions, ImportReport } from './import-trace';

/**
 * Imports a trace in constant memory; writes `out` atomically.
 *
 * @param path a file, or a folder of files of the format
 * @throws MoEDebuggerError 'input' naming what is wrong in which place, or an option that cannot be,
 * 'environment' when `out` cannot be written, 'cancelled'
 */
export const importTrace = lazily(
  () => require('./import-trace') as typeof import('./import-trace'),
  'importTrace'
);
