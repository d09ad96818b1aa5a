/** onnxruntime sessions of graphs derived from a model's own. */
import { createHash } from 'node:crypto';
import type { Engine } from '../engine/engine';
import type { SessionOptions } from '../engine/messages';
import { shareSession, type SharedSession } from '../engine/session-pool';
import type { OnnxModel } from '../../onnx/file/model';
import { encodeModelProto, type GraphProto } from '../../onnx/file/schema';

/** The session of a graph with a model's weights, shared by all that load the same. */
export function modelSession(
  engine: Engine,
  { proto, fingerprint, weightsFolder }: OnnxModel,
  graph: GraphProto,
  settings: SessionOptions
): Promise<SharedSession> {
  const bytes = encodeModelProto({ ...proto, graph });
  const key = createHash('sha256')
    .update(bytes)
    .update(JSON.stringify([fingerprint, settings]))
    .digest('hex');
  return shareSession(key, () =>
    engine.createSession({ bytes, folder: weightsFolder }, settings)
  );
}
