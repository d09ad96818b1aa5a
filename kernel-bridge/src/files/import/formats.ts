/** The supported import formats. */
import { MoEDebuggerError } from '../../base/errors';
import { esft } from './esft';
import { hf } from './hf';
import type { TraceImporter } from './importer';
import { llamacpp } from './llamacpp';
import { sglang } from './sglang';
import { vllm } from './vllm';

const FORMATS = {
  esft,
  vllm,
  sglang,
  llamacpp,
  hf
} as const satisfies Record<string, TraceImporter>;

export type ImportFormat = keyof typeof FORMATS;

export const IMPORT_FORMATS = Object.keys(FORMATS) as ImportFormat[];

/** @throws MoEDebuggerError 'input' for a format that is none */
export function importerOf(format: string): TraceImporter {
  if (!Object.hasOwn(FORMATS, format)) {
    throw new MoEDebuggerError('input', `there is no format ${format}`, {
      where: 'import',
      hint: `give one of ${IMPORT_FORMATS.join(', ')}`
    });
  }
  return FORMATS[format as ImportFormat];
}
