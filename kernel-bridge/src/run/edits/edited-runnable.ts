/** A model with edits, as analyses run it: the graph with inputs for edits, and feeds that hold their values. */
import type { LoadedModel } from '../model/loaded-model';
import type { Runnable } from '../model/runnable';
import { editText } from './edit-text';
import type { EditedSession } from './edited-session';

export function editedRunnable(
  model: LoadedModel,
  { records, run, uncaptured }: ReturnType<EditedSession['resolve']>
): Runnable {
  const { graph, routers, plan, neutral } = uncaptured();
  const { onnx, config, settings, branched, logits } = model;
  const { tokenizer, noTokenizer, inputs } = model;
  return {
    onnx,
    config,
    settings,
    ...(branched ? { branched } : {}),
    graph,
    routers,
    plan,
    logits,
    inputs: inputs.plus(step => records.feeds(step)),
    probeInputs: inputs.plus(step => neutral.feeds(step)),
    tokenizer,
    noTokenizer,
    tokenize: (prompt, index) => model.tokenize(prompt, index),
    tokens: ids => model.tokens(ids),
    onDispose: release => model.onDispose(release),
    session: {
      run: async (...of) => (await run()).session.run(...of)
    },
    edits: records.records.map(editText)
  };
}
