/** The documents of a text file: one, or one per line. */
import { refuse } from './importer';
import { LineReader } from '../line-reader';

/** Node's strings cannot be longer. */
const MAX_TEXT = 500 << 20;

export interface JsonDocument {
  text: string;
  /** Line of its first character, from 1. */
  line: number;
}

/**
 * A first line that is a document means one per line; otherwise a single document spans all lines.
 *
 * @param isDocument whether the first line is a whole document, given the second one
 * @throws MoEDebuggerError 'input' for a document that is too long, or a file that cannot be read
 */
export async function* documentsIn(
  path: string,
  isDocument: (first: JsonDocument, second: string) => boolean
): AsyncGenerator<JsonDocument, void, undefined> {
  const reader = new LineReader(path);
  try {
    const lines: string[] = [];
    let size = 0;
    let start: number | undefined;
    let onePerLine: boolean | undefined;
    for (;;) {
      const line = await reader.next();
      if (line === undefined) {
        break;
      }
      const text = line.toString('utf8').trim();
      if (start !== undefined && text !== '' && onePerLine === undefined) {
        const first = { text: lines.join('\n').trim(), line: start };
        onePerLine = isDocument(first, text);
        if (onePerLine) {
          lines.length = 0;
          yield first;
        }
      }
      if (onePerLine) {
        if (text !== '') {
          yield { text, line: reader.number };
        }
      } else if (text !== '' || start !== undefined) {
        start ??= reader.number;
        size += text.length;
        if (size > MAX_TEXT) {
          refuse(
            `the document is longer than ${MAX_TEXT >> 20} MB`,
            path,
            `line ${reader.number}`,
            'write one response per line'
          );
        }
        lines.push(text);
      }
    }
    if (lines.length > 0 && start !== undefined) {
      yield { text: lines.join('\n'), line: start };
    }
  } finally {
    reader.close();
  }
}

/** @throws MoEDebuggerError 'input' naming line and column */
export function parseDocument(
  { text, line }: JsonDocument,
  path: string,
  hint: string
): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const { message } = error as Error;
    // V8 says "at position n"; without a position, the text is truncated.
    const at = Number(/position (\d+)/.exec(message)?.[1] ?? text.length);
    const before = text.slice(0, at).split('\n');
    return refuse(
      `the text is neither JSON nor base64: ${message.slice(0, 80)}`,
      path,
      `line ${line + before.length - 1}, column ${before[before.length - 1].length + 1}`,
      hint
    );
  }
}
