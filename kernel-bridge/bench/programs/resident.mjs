/**
 * Loads a synthetic model plainly or with its routing captured, runs it, and prints what the process holds, in MB.
 * The plain program knows its model's inputs and reads no graph: it is what a program without this package would be.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tokenIds } from '../measuring/sessions.mjs';
import { MEDIUM } from '../models/synthetic-model.mjs';

const [folder, arm] = process.argv.slice(2);
const ids = tokenIds(128);

if (arm === 'plain') {
  const { Engine } = await import('../../lib/run/engine/engine.js');
  const session = await Engine.shared().createSession({
    path: join(folder, 'model.onnx'),
    folder
  });
  const int64 = (values, dims) => ({
    type: /** @type {const} */ ('int64'),
    dims,
    data: BigInt64Array.from(values, BigInt)
  });
  const past = {
    type: /** @type {const} */ ('float32'),
    dims: [1, MEDIUM.heads, 0, MEDIUM.hidden / MEDIUM.heads],
    data: new Float32Array(0)
  };
  const dims = [1, ids.length];
  const feeds = {
    input_ids: int64(ids, dims),
    attention_mask: int64(
      ids.map(() => 1),
      dims
    ),
    position_ids: int64(
      ids.map((_, i) => i),
      dims
    )
  };
  for (let layer = 0; layer < MEDIUM.layers; layer++) {
    feeds[`past_key_values.${layer}.key`] = past;
    feeds[`past_key_values.${layer}.value`] = past;
  }
  await session.run(feeds, ['logits']);
  await session.run(feeds, ['logits']);
} else {
  const { loadModel } = await import('../../lib/index.js');
  const model = await loadModel(folder);
  await model.trace(ids, { logits: 'all' });
  await model.trace(ids, { logits: 'all' });
}
const status = readFileSync('/proc/self/status', 'utf8');
const megabytes = name =>
  Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)[1]) / 1024;
process.stdout.write(
  JSON.stringify({ resident: megabytes('VmRSS'), peak: megabytes('VmHWM') })
);
