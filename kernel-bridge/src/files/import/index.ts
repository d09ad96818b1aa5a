/** Other people's traces into our Parquet. The formats are loaded at the first import. */
import { createRequire } from 'node:module';
import type * as ImportTrace from './import-trace';
import type { ImportFormat } from './importer';
import type { ImportOptions, ImportReport } from './import-trace';

export type { ImportFormat } from './importer';
export type { ImportOptions, ImportReport } from './import-trace';

const load = createRequire(__filename);

/**
 * Imports a trace. Memory stays the same however long it is; `out` appears whole or not at all.
 *
 * @param path a file, or a folder of files of the format
 * @throws MoEDebuggerError 'input' naming what is wrong in which place, 'usage' for options that cannot be,
 * 'environment' when `out` cannot be written, 'cancelled'
 */
export async function importTrace(
  format: ImportFormat,
  path: string,
  options: ImportOptions
): Promise<ImportReport> {
  const lazily = load('./import-trace') as typeof ImportTrace;
  return lazily.importTrace(format, path, options);
}
