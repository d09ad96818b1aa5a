/**
 * Runs gradients of a model once, of some tokens in a batch, and prints what the run added to the memory that the process
 * had, and what was foretold, in MB.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { tokenIds } from '../measuring/sessions.mjs';
import { loadModel } from '../../lib/index.js';
import { gradientsOf } from '../../lib/run/gradients/gradients-of.js';

const [folder, tokens, batch] = process.argv.slice(2);
const size = { tokens: Number(tokens), batch: Number(batch) };
const model = await loadModel(folder, { threads: 1 });
/** What the public model is built on; its types do not show it. */
const { loaded } = /** @type {any} */ (model);
const session = await gradientsOf(loaded).session({
  kind: 'entry',
  tensor: loaded.logits
});
const run = ({ tokens, batch }) =>
  session.run(
    {
      sequence: { ids: tokenIds(tokens) },
      position: tokens - 1,
      index: 5,
      scales: new Array(batch).fill(1)
    },
    { sum: true }
  );
const held = name =>
  Number(
    new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(
      readFileSync('/proc/self/status', 'utf8')
    )[1]
  ) / 1024;
// What is loaded at the first run of any size is no part of it, and what loading took is forgotten.
await run({ tokens: 2, batch: 1 });
writeFileSync('/proc/self/clear_refs', '5');
const before = held('VmRSS');
await run(size);
process.stdout.write(
  JSON.stringify({
    added: held('VmHWM') - before,
    foretold: session.bytes(size) / 2 ** 20
  })
);
await model.dispose();
