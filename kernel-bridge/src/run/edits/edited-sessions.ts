/** The sessions of a model that take edits, each loaded at its first edited run. */
import { ofModel } from '../model/of-model';
import type { LoadedModel } from '../model/loaded-model';
import { editableGraph, type EditableModel } from './editable-graph';
import { EditedSession } from './edited-session';
import { rewriteFused } from './rewrite-fused';

/** Takes edits. */
export const editedSession = ofModel(model => prepare(model, () => model));

/** Takes edits that fused experts refuse: these are written in plain operators. */
export const rewrittenSession = ofModel(model =>
  prepare(model, () => rewriteFused(model))
);

/** Takes edits, and returns the activations between the blocks too. */
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
