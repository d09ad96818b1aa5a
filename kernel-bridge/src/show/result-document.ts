/** A result that a tool of the extension can show, as it stands in an output. */
import type { JsonObject } from '../base/kernel-api';
import { MIME_TYPE, toolDocument, type DocumentView } from '../base/protocol';

/** Notebooks are read whole by every tool; a larger result is left to the other forms of its output. */
const MOST_CHARACTERS = 4 << 20;

/** The part of a MIME bundle that our extension draws; nothing where it would be too large. */
export function resultDocument(
  view: DocumentView,
  model: string,
  state: object
): JsonObject {
  const document = toolDocument(view, model, state);
  return JSON.stringify(document).length > MOST_CHARACTERS
    ? {}
    : { [MIME_TYPE]: document };
}
