/** What a result says of the trace that it was computed from. */
import { integrityNote } from '../../base/protocol';
import { editText } from '../edits/edit-text';
import { editNotes } from '../model/runnable';
import type { RoutingTrace } from './routing-trace';

export type TraceOrigin = Partial<Pick<RoutingTrace, 'edits' | 'integrity'>>;

/** That its file has no hash, and the edits that the model had; nothing of an unmodified model and a file with a hash. */
export function traceNotes({ edits = [], integrity }: TraceOrigin): string[] {
  const note = integrityNote(integrity);
  return [
    ...(note === undefined ? [] : [note]),
    ...editNotes({ edits: edits.map(editText) })
  ];
}
