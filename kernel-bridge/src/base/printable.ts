/** Text of files, which may hold anything, for a terminal, a log or a page. */

/**
 * Control characters but tab and line feed, and those that change the direction of the text around them: they could
 * move the cursor, retitle the window, hide text or show it in another order. Then U+FFFD and halves of surrogate pairs,
 * which are written as U+FFFD: it stands for what a program could not decode, and looks like a fault of the terminal.
 */
const UNSAFE =
  /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffd]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Shows each unsafe character as an escape, `\x1b` or `\u202e`. */
export function printable(text: string): string {
  return text.replace(UNSAFE, character => {
    const code = character.charCodeAt(0);
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** The same for a text within a line, which line feeds and tabs would break up. */
export function printableLine(text: string): string {
  return printable(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t');
}

/** The same in a JSON document, whose strings know only the second form. */
export function printableJson(json: string): string {
  return json.replace(
    UNSAFE,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  );
}
