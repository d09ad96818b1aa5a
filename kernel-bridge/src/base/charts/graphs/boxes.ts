/** Sizes of nodes and labels, estimated from the number of characters, since nothing is rendered yet. */
import type { DrawnNode } from './drawn-graph';

export interface Box {
  width: number;
  height: number;
  /** As drawn: long lines are truncated. */
  lines: string[];
}

/** For text of 11 pixels. */
export const LINE_HEIGHT = 14;
export const LABEL_HEIGHT = 12;
const LETTER = 6.4;
const PADDING = { x: 10, y: 4 };
const MAX_LETTERS = 40;

export function nodeBox({ lines }: Pick<DrawnNode, 'lines'>): Box {
  const shown = lines.map(line => clip(line, MAX_LETTERS));
  return {
    width: Math.max(LINE_HEIGHT, ...shown.map(textWidth)) + PADDING.x,
    height: Math.max(1, shown.length) * LINE_HEIGHT + PADDING.y,
    lines: shown
  };
}

export function textWidth(text: string): number {
  return Math.ceil([...text].length * LETTER);
}

export function clip(text: string, maxLetters: number): string {
  const letters = [...text];
  return letters.length > maxLetters
    ? `${letters.slice(0, maxLetters - 1).join('')}…`
    : text;
}
