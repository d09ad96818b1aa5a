import type { Drawing } from '../drawing';
import type { IMoEContext } from '../tokens';

/** Milliseconds after the last move of a slider until its position is written into the output. */
export const STORE_DELAY = 300;

/** Draws the data of an output, which is untrusted input. */
export interface IContent extends Drawing {
  /** Shows a document, or replaces it. */
  draw(data: unknown): void | Promise<void>;
}

export interface IContentOptions {
  context: IMoEContext;
  /** Writes a document into the output, with its text if that changed. */
  store: (document: object, text?: string) => void;
}
