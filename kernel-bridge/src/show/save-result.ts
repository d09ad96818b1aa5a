/** Results as files: the ending of the file chooses the form. */
import { writeFileSync } from 'node:fs';
import { extname } from 'node:path';
import { writeAtomically } from '../base/atomic-file';
import { MoEDebuggerError } from '../base/errors';
import { tableCsv, tablePage, type ResultTable } from './result-table';

/** By ending, with its dot: what makes the text. */
export type ResultForms = Readonly<
  Record<string, () => string | Promise<string>>
>;

/** Of a result that is a document, and where there is one a table. */
export function resultForms(
  result: { toJSON(): unknown },
  table?: () => ResultTable
): ResultForms {
  return {
    '.json': () => `${JSON.stringify(result)}\n`,
    ...(table
      ? {
          '.csv': () => tableCsv(table()),
          '.html': () => tablePage(table())
        }
      : {})
  };
}

/**
 * Writes a result to a file atomically.
 *
 * @param others endings that the caller writes itself
 * @throws MoEDebuggerError 'input' for an extension that the result has no format for, 'environment' when the file cannot be
 * written
 */
export async function saveResult(
  file: string,
  forms: ResultForms,
  others: readonly string[] = []
): Promise<void> {
  const ending = extname(file).toLowerCase();
  if (!Object.hasOwn(forms, ending)) {
    throw new MoEDebuggerError(
      'input',
      ending === ''
        ? 'the file has no extension that names a format'
        : `the result cannot be written as ${ending}`,
      {
        where: file,
        hint: `use ${[...Object.keys(forms), ...others].join(', ')}`
      }
    );
  }
  const text = await forms[ending]();
  await writeAtomically(file, unfinished => writeFileSync(unfinished, text));
}
