import type { EditRecord } from '../../run/edits/edits';
import type { DiffDocument } from '../diff/diff-document';
import type { CausalGraph } from './causal-graph';

export interface CounterfactualDocument {
  schema: 'moe-debugger/counterfactual@1';
  model: string;
  edits: EditRecord[];
  graph: CausalGraph;
  diff: DiffDocument;
}
