/** Classifies tokens by their text; a token can be in several classes. */

interface TokenClass {
  name: string;
  test: RegExp;
}

/** Leading space is part of many tokenizers' words and does not affect the class, except at the start of a word. */
const CLASSES: readonly TokenClass[] = [
  { name: 'special', test: /^<[^<>\s]+>$/u },
  { name: 'whitespace', test: /^\s+$/u },
  { name: 'newline', test: /^[^\S\n]*\n\s*$/u },
  { name: 'digits', test: /^\s*\p{N}+\s*$/u },
  { name: 'punctuation', test: /^\s*[\p{P}\p{S}]+\s*$/u },
  { name: 'brackets', test: /^\s*[()[\]{}<>]+\s*$/u },
  { name: 'quotes', test: /^\s*["'`«»“”‘’]+\s*$/u },
  { name: 'operators', test: /^\s*[=+\-*/%&|^~!<>:]+\s*$/u },
  { name: 'letters', test: /^\s*[\p{L}\p{M}]+\s*$/u },
  { name: 'start of a word', test: /^\s+[\p{L}\p{M}]+$/u },
  { name: 'inside of a word', test: /^[\p{L}\p{M}]+$/u },
  { name: 'single letters', test: /^\s*\p{L}\s*$/u },
  { name: 'capitalised', test: /^\s*\p{Lu}\p{Ll}+\s*$/u },
  { name: 'upper case', test: /^\s*\p{Lu}{2,}\s*$/u },
  { name: 'letters beyond ASCII', test: /^\s*\p{L}*[^\p{ASCII}\s]\p{L}*\s*$/u },
  {
    name: 'letters beyond Latin',
    test: /^\s*[\p{L}\p{M}]*(?!\p{Script=Latin})\p{L}[\p{L}\p{M}]*\s*$/u
  }
];

export const TOKEN_CLASSES: readonly string[] = CLASSES.map(({ name }) => name);

/** Indices into `TOKEN_CLASSES`; tokens longer than a line have none. */
export function tokenClasses(text: string): number[] {
  return text.length > 200
    ? []
    : CLASSES.flatMap(({ test }, i) => (test.test(text) ? [i] : []));
}
