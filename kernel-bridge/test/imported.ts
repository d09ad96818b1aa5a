/** Imports a file into a folder of its own and reads the result back. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ImportFormat } from '../src/files/import/formats';
import {
  importTrace,
  type ImportOptions,
  type ImportReport
} from '../src/files/import/import-trace';
import { readTrace } from '../src/files/trace/read-trace';
import type { RoutingTrace } from '../src/run/trace/routing-trace';
import { temporaryFolder } from './temporary';

export const FIXTURES = join(__dirname, 'fixtures/import');

export async function imported(
  format: ImportFormat,
  path: string,
  options: Partial<ImportOptions> = {}
): Promise<{ report: ImportReport; trace: RoutingTrace }> {
  const out = join(temporaryFolder(), 'imported.parquet');
  const report = await importTrace(format, path, { out, ...options });
  return { report, trace: await readTrace(out) };
}

/** A file of this name in a folder of its own. */
export function fileOf(name: string, content: string | Uint8Array): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, content);
  return path;
}

/** Ids of a layer as lists, one a token. */
export function idsOf(
  trace: RoutingTrace,
  layer: number,
  sample = 0
): number[][] {
  const { selected, topK } = trace.layer(layer, sample);
  return Array.from({ length: selected.length / topK }, (_, t) => [
    ...selected.subarray(t * topK, (t + 1) * topK)
  ]);
}

/** The ids of fixtures/import/make.py at a token and layer. */
export const madeIds = (token: number, layer: number): number[] =>
  [0, 1, 2].map(rank => (3 * token + 5 * layer + 7 * rank) % 16);

/** An error of a file that cannot be read. A bare RegExp as a property would match anything. */
export const refusal = (
  message: RegExp
): { code: string; message: string } => ({
  code: 'input',
  message: expect.stringMatching(message) as string
});
