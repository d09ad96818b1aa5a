/** Sessions of a model's untouched file and of its graph with the routing captured, and what they are fed. */
import { Engine } from '../../lib/run/engine/engine.js';
import { readModel } from '../../lib/onnx/file/model.js';
import { encodeModelProto } from '../../lib/onnx/file/schema.js';
import { Graph } from '../../lib/onnx/graph/graph.js';
import { editableGraph } from '../../lib/run/edits/editable-graph.js';
import { EditedSession } from '../../lib/run/edits/edited-session.js';
import { findRouters } from '../../lib/routing/find-routers.js';
import { captureGraph } from '../../lib/routing/capture.js';
import { ModelInputs, wholeSequence } from '../../lib/run/model/inputs.js';
import { readConfig } from '../../lib/run/model/config.js';

/** What is needed of a decoder to run it both ways. */
export function prepare(folder) {
  const onnx = readModel(folder);
  const graph = new Graph(onnx.proto.graph, onnx.file);
  const found = findRouters(graph);
  const { routers } = found;
  const captured = captureGraph(onnx.proto.graph, routers);
  const bytes = encodeModelProto({ ...onnx.proto, graph: captured.graph });
  const inputs = new ModelInputs(graph, readConfig(onnx.folder));
  const engine = Engine.shared();
  const from = (model, outputs) => async (work, options) => {
    const session = await engine.createSession(
      { ...model, folder: onnx.weightsFolder },
      options
    );
    return {
      run: () => work(session, ['logits', ...outputs]),
      release: () => session.release()
    };
  };
  const editable = editableGraph({ onnx, graph, found });
  const editing = new EditedSession(() => ({
    ...editable,
    original: routers,
    load: () => Promise.reject(new Error('only its feeds are measured'))
  }));
  return {
    routers,
    plan: captured.plan,
    inputs,
    plain: from({ path: onnx.file }, []),
    captured: from({ bytes }, captured.plan.outputs),
    edited: from(
      { bytes: encodeModelProto({ ...onnx.proto, graph: editable.graph }) },
      editable.plan.outputs
    ),
    /** What an edited graph is fed beside the model's own inputs; with nothing edited, what means nothing. */
    editFeeds: (edits, step) => editing.resolve(edits).records.feeds(step)
  };
}

export const tokenIds = (count, vocabulary = 1000) =>
  Array.from({ length: count }, (_, i) => 5 + ((i * 7919) % vocabulary));

/** One forward over a whole sequence; the logits of the last token come back. */
/** @param {(step: any) => object} more further feeds */
export function forward(inputs, ids, more = () => ({})) {
  const step = wholeSequence({ ids });
  const feeds = { ...inputs.feeds(step), ...more(step) };
  return (session, fetches) =>
    session.run(feeds, fetches, { rows: { logits: [ids.length - 1] } });
}

/** Single tokens from an empty past, one after the other. */
export function singleTokens(inputs, count) {
  const feeds = tokenIds(count).map(id =>
    inputs.feeds(wholeSequence({ ids: [id] }))
  );
  return async (session, fetches) => {
    for (const feed of feeds) {
      await session.run(feed, fetches);
    }
  };
}

/** A prompt, then `count` tokens one at a time with the cache kept on the worker. */
export function cachedDecoding(inputs, promptLength, count) {
  const ids = tokenIds(promptLength + count);
  const keep = Object.fromEntries(
    inputs.cache.map(({ past, present }) => [present, past])
  );
  return async (session, fetches) => {
    const cache = { cache: session.newCache(), keep };
    await session.run(
      inputs.feeds(wholeSequence({ ids: ids.slice(0, promptLength) })),
      fetches,
      { cache }
    );
    for (let at = promptLength; at < ids.length; at++) {
      const step = {
        ids: [[ids[at]]],
        positions: [[at]],
        mask: [Array(at + 1).fill(1)],
        cached: at
      };
      await session.run(inputs.feeds(step), fetches, { cache });
    }
    await session.forget(cache.cache);
  };
}
