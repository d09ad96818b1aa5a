import { tokenText, type TokenCharacters } from 'moe-debugger/charts';
import { NO_TOKEN_ID, type Token } from 'moe-debugger/protocol';
import type { IRange } from './range';

/** A text above some columns. */
export interface ILabel {
  text: string;
  /** The tokens that it names. */
  from: number;
  to: number;
  /** Whether it stands over a bracket: its tokens are parts of one character. */
  isCharacter: boolean;
}

const MAX_LENGTH = 40;

/** A label for each token in view, and one for the tokens of one character. */
export function tokenLabels(
  tokens: readonly Token[],
  characters: readonly TokenCharacters[],
  range: IRange
): ILabel[] {
  const labels: ILabel[] = [];
  const end = Math.min(tokens.length, Math.ceil(range.to));
  let next = characters.findIndex(({ to }) => to > range.from);
  for (let token = Math.max(0, Math.floor(range.from)); token < end;) {
    const run = next < 0 ? undefined : characters[next];
    if (run && run.from <= token) {
      const { from, to } = run;
      labels.push({ from, to, text: spelled(run), isCharacter: true });
      token = to;
      next++;
    } else {
      const text = tokenText(tokens[token]).slice(0, MAX_LENGTH);
      labels.push({ from: token, to: token + 1, text, isCharacter: false });
      token++;
    }
  }
  return labels;
}

/** What a run of tokens spells, with its white space visible. */
export function spelled({ text }: TokenCharacters): string {
  return tokenText({ position: 0, id: NO_TOKEN_ID, text }).slice(0, MAX_LENGTH);
}

/** Joins the labels of the tokens of a word: a word begins with a space, and a line break stands alone. */
export function wordLabels(labels: readonly ILabel[]): ILabel[] {
  const words: ILabel[] = [];
  for (const label of labels) {
    const last = words.at(-1);
    const begins =
      !last || /^[·↵⇥]/.test(label.text) || last.text.endsWith('↵');
    if (begins) {
      words.push({ ...label });
    } else {
      last.to = label.to;
      last.text = (last.text + label.text).slice(0, MAX_LENGTH);
    }
  }
  return words.map(word => ({
    ...word,
    text: word.text.replace(/^·+(?=.)/, '')
  }));
}

/** The first words of each line of the text. */
export function lineStarts(
  tokens: readonly Token[],
  characters: readonly TokenCharacters[]
): ILabel[] {
  const lines: ILabel[] = [];
  let begins = true;
  for (const label of tokenLabels(tokens, characters, {
    from: 0,
    to: tokens.length
  })) {
    const isBlank = /^[·↵⇥]*$/.test(label.text);
    if (begins && !isBlank) {
      lines.push({ ...label, text: label.text.replace(/^[·⇥]+/, '') });
      begins = false;
    } else if (!begins) {
      const line = lines.at(-1)!;
      line.to = label.to;
      if (line.text.length < MAX_LENGTH) {
        line.text += label.text;
      }
    }
    begins ||= label.text.includes('↵');
  }
  return lines.map(line => ({
    ...line,
    text: line.text.split('↵')[0].replace(/[·⇥]+/g, ' ').slice(0, MAX_LENGTH)
  }));
}

/** A label with its place. */
export interface IPlacedLabel extends ILabel {
  x: number;
}

/** From left to right; those that would touch the one before are left out. */
export function placeLabels(
  labels: readonly ILabel[],
  x: (token: number) => number,
  width: (text: string) => number,
  { end, gap = 6 }: { end: number; gap?: number }
): IPlacedLabel[] {
  const placed: IPlacedLabel[] = [];
  let free = -Infinity;
  for (const label of labels) {
    const left = x(label.from);
    const right = left + width(label.text);
    if (left >= free && right <= end) {
      placed.push({ ...label, x: left });
      free = right + gap;
    }
  }
  return placed;
}
