/** The onnxruntime sessions of a model that support edits, each loaded at its first edited run. */
import { ofModel } from '../model/of-model';
import type { LoadedModel } from '../model/loaded-model';
import { editableGraph, type EditableModel } from './editable-graph';
import { EditedSession } from './edited-session';
import { rewriteFused } from './rewrite-fused';

/** Supports edits. */
export const editedSession = ofModel(model => prepare(model, () => model));

/** Also supports edits that fused experts do not: their nodes are decomposed to plain operators. */
export const rewrittenSession = ofModel(model =>
  prepare(model, () => rewriteFused(model))
);

/** Supports edits, and returns the activations between the blocks. */
export const probedSession = ofModel(model =>
  prepare(model, () => model, true)
);

function prepare(
  model: LoadedModel,
  read: () => EditableModel,
  probed: boolean = false
): EditedSession {
  return new EditedSession(() => {
    const { graph, ...described } = editableGraph(read(), probed);
    return { ...described, load: () => model.load(graph) };
  });
}
