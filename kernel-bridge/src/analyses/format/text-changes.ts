/** Ways to write a text differently that keep its letters and digits, in their order. */

export const FORMAT_KINDS = [
  'case',
  'whitespace',
  'punctuation',
  'line breaks',
  'list',
  'markdown',
  'quote'
] as const;
export type FormatKind = (typeof FORMAT_KINDS)[number];

export interface TextChange {
  kind: FormatKind;
  /** Names it within all changes. */
  name: string;
  /** @param random gives numbers from 0 to 1 */
  apply: (text: string, random: () => number) => string;
}

/** Marks that structure a sentence, where they do not stand within a word or a number: "don't", "3.5". */
const MARKS =
  /(?<![\p{L}\p{N}])[.,;:!?…¿¡"“”„«»]+|[.,;:!?…¿¡"“”„«»]+(?![\p{L}\p{N}])/gu;
const SENTENCE_ENDS = /(?<=[.!?…])[^\S\n]+/gu;

export const TEXT_CHANGES: readonly TextChange[] = [
  { kind: 'case', name: 'lower case', apply: text => each(text, lower) },
  { kind: 'case', name: 'upper case', apply: text => each(text, upper) },
  {
    kind: 'case',
    name: 'mixed case',
    apply: (text, random) =>
      text.replace(/[\p{L}\p{M}]+/gu, word => {
        const [first, ...rest] = each(word, lower);
        const choice = random();
        return choice < 1 / 3
          ? [first, ...rest].join('')
          : choice < 2 / 3
            ? each(word, upper)
            : upper(first) + rest.join('');
      })
  },
  {
    kind: 'whitespace',
    name: 'double spaces',
    apply: text => text.replace(/ /g, '  ')
  },
  {
    kind: 'whitespace',
    name: 'tabs',
    apply: text => text.replace(/ +/g, '\t')
  },
  {
    kind: 'whitespace',
    name: 'scattered spaces',
    apply: (text, random) =>
      text.replace(/ /g, () => ' '.repeat(1 + Math.floor(random() * 4)))
  },
  {
    kind: 'punctuation',
    name: 'no punctuation',
    apply: text => text.replace(MARKS, '')
  },
  {
    kind: 'punctuation',
    name: 'semicolons',
    apply: text => text.replace(MARKS, marks => marks.replace(/[.,:]/g, ';'))
  },
  {
    kind: 'line breaks',
    name: 'one line',
    apply: text => text.replace(/\s*\n\s*/g, ' ')
  },
  {
    kind: 'line breaks',
    name: 'a line a sentence',
    apply: text => text.replace(SENTENCE_ENDS, '\n')
  },
  {
    kind: 'line breaks',
    name: 'scattered line breaks',
    apply: (text, random) =>
      text.replace(/ /g, space => (random() < 0.15 ? '\n' : space))
  },
  { kind: 'list', name: 'dashes', apply: text => listed(text, '- ') },
  { kind: 'list', name: 'stars', apply: text => listed(text, '* ') },
  { kind: 'markdown', name: 'heading', apply: text => `# ${text}` },
  {
    kind: 'markdown',
    name: 'bold',
    apply: text => text.replace(/^(\s*)(\S.*?)(\s*)$/gm, '$1**$2**$3')
  },
  {
    kind: 'markdown',
    name: 'code block',
    apply: text => `\`\`\`\n${text}\n\`\`\``
  },
  {
    kind: 'quote',
    name: 'block quote',
    apply: text => text.replace(/^/gm, '> ')
  },
  { kind: 'quote', name: 'quotation marks', apply: text => `"${text}"` }
];

/** What a change must keep: letters and digits, whatever their case. */
export function contentOf(text: string): string {
  return each(text, lower).replace(/[^\p{L}\p{M}\p{N}]/gu, '');
}

function listed(text: string, item: string): string {
  const lines = text.includes('\n')
    ? text.split('\n')
    : text.split(SENTENCE_ENDS);
  return lines
    .map(line => (line.trim() === '' ? line : item + line))
    .join('\n');
}

function each(text: string, change: (letter: string) => string): string {
  return Array.from(text, change).join('');
}

/** Letters without a counterpart of one letter, such as "ß", stay as they are. */
function upper(letter: string): string {
  const other = letter.toUpperCase();
  return other.toLowerCase() === letter ? other : letter;
}

function lower(letter: string): string {
  const other = letter.toLowerCase();
  return other.toUpperCase() === letter ? other : letter;
}
