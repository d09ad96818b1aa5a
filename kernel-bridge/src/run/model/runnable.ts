/** What an analysis runs: a graph, and what feeds it. A loaded model is one; a model with edits is another. */
import { counted } from '../../base/protocol';
import type { Session } from '../engine/engine';
import type { ModelInputs } from './inputs';
import type { LoadedModel } from './loaded-model';

export interface Runnable extends Pick<
  LoadedModel,
  | 'onnx'
  | 'config'
  | 'settings'
  | 'branched'
  | 'graph'
  | 'routers'
  | 'plan'
  | 'logits'
  | 'inputs'
  | 'tokenizer'
  | 'noTokenizer'
  | 'tokenize'
  | 'tokens'
  | 'onDispose'
> {
  /** Runs the graph with its routing captured. */
  readonly session: Pick<Session, 'run'>;
  /** The inputs of the same graph in runs that learn its shapes. Default `inputs`. */
  readonly probeInputs?: ModelInputs;
  /** The edits as text, one by one. Default none. */
  readonly edits?: readonly string[];
}

/** What a result says of the edits that the model had. */
export function editNotes({ edits = [] }: Pick<Runnable, 'edits'>): string[] {
  const more = edits.length - MAX_LISTED;
  return edits.length === 0
    ? []
    : [
        `the model had ${counted(edits.length, 'edit')}: ${edits.slice(0, MAX_LISTED).join('; ')}${more > 0 ? `; and ${more} more` : ''}`
      ];
}

const MAX_LISTED = 8;
