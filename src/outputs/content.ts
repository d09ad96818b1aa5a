import type { Drawing } from '../drawing';
import type { IMoEContext } from '../tokens';

/** Milliseconds after the last move of a slider until its place is written into the output. */
export const STORE_DELAY = 300;

/** What draws the data of an output. What it is given may have been written by anybody. */
export interface IContent extends Drawing {
  /** Shows a document, or another one in its place. */
  draw(data: unknown): void | Promise<void>;
}

export interface IContentOptions {
  context: IMoEContext;
  /** Writes a document into the output and, where it changed too, the text that stands for it. */
  store: (document: object, text?: string) => void;
}
