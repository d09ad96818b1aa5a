import { counted } from '../../base/protocol';
import { MoEDebuggerError } from '../../base/errors';
import {
  EXPORT_FORMATS,
  exportTrace,
  type ExportFormat
} from '../../views/export-trace';
import { remark, writeJson } from './output';

export interface ExportArguments {
  format: string;
  out: string;
  countsOnly?: boolean;
  run?: string;
  json?: boolean;
}

export async function exportFile(
  path: string,
  { format, out, countsOnly, run, json }: ExportArguments
): Promise<void> {
  if (!(EXPORT_FORMATS as readonly string[]).includes(format)) {
    throw new MoEDebuggerError('usage', `there is no format ${format}`, {
      where: '--format',
      hint: `give one of ${EXPORT_FORMATS.join(', ')}`
    });
  }
  if (countsOnly && format !== 'html') {
    throw new MoEDebuggerError('usage', `${format} contains every token`, {
      where: '--counts-only',
      hint: 'give --format html with it'
    });
  }
  const { samples, tokens } = await exportTrace(path, {
    format: format as ExportFormat,
    out,
    ...(countsOnly ? { privacy: 'counts' } : {}),
    ...(run === undefined ? {} : { run })
  });
  if (json) {
    await writeJson({
      schema: 'moe-debugger/export@1',
      format,
      out,
      samples,
      tokens
    });
  } else {
    remark(
      `wrote ${out}: ${counted(samples, 'sample')}, ${counted(tokens, 'token')}`
    );
  }
}
