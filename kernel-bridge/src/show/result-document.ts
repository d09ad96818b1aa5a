/** Document of a result that a tool of the extension can display in an output. */
import type { JsonObject } from '../base/kernel-api';
import { MIME_TYPE, toolDocument, type DocumentView } from '../base/protocol';

/** Notebooks are read as a whole by every tool; for a larger result the output has only its other formats. */
const MAX_CHARACTERS = 4 << 20;

/** The part of a MIME bundle that our extension displays; empty if it would be too large. */
export function resultDocument(
  view: DocumentView,
  model: string,
  state: object
): JsonObject {
  const document = toolDocument(view, model, state);
  return JSON.stringify(document).length > MAX_CHARACTERS
    ? {}
    : { [MIME_TYPE]: document };
}
