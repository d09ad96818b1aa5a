import { counted } from '../../base/protocol';
import { MoEDebuggerError } from '../../base/errors';
import type { ImportFormat } from '../../files/import/formats';
import {
  importTrace,
  type ImportOptions
} from '../../files/import/import-trace';
import { progress, write, writeJson } from './output';

export interface ImportArguments extends ImportOptions {
  notRenormalized?: boolean;
  json?: boolean;
}

export async function importFile(
  format: string,
  path: string,
  { json, notRenormalized, ...options }: ImportArguments
): Promise<void> {
  if (notRenormalized && options.renormalized) {
    throw new MoEDebuggerError(
      'usage',
      '--renormalized and --not-renormalized exclude each other',
      {
        where: 'import',
        hint: 'give one of them'
      }
    );
  }
  const report = await importTrace(format as ImportFormat, path, {
    ...options,
    ...(notRenormalized ? { renormalized: false } : {}),
    onProgress: ({ done }) => progress(`imported ${counted(done, 'token')}`)
  });
  progress('');
  if (json) {
    await writeJson(report);
    return;
  }
  const { out, samples, tokens, slots, layers, notes } = report;
  const shapes = new Set(
    layers.map(({ experts, topK }) => `top-${topK} of ${experts} experts`)
  );
  await write(
    [
      `wrote ${out}: ${counted(samples, 'sample')}, ${counted(tokens, 'token')}, ${counted(layers.length, 'MoE layer')}, ${counted(slots, 'slot')}`,
      ...shapes,
      ...notes.map(note => `note: ${note}`),
      ''
    ].join('\n')
  );
}
