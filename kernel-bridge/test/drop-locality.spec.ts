/**
 * Dropping an expert in a layer changes what that layer adds to the stream at exactly the tokens that chose it, and
 * within a range of tokens at exactly those of the range.
 */
import { probedSession } from '../src/run/edits/edited-sessions';
import { basename } from 'node:path';
import { loadModel, type Edits } from '../src';
import {
  recordActivations,
  type Activations
} from '../src/run/activations/record-activations';
import { editSlots } from './edit-slots';
import { DEMO, readTruth, zooModels } from './zoo';

/** Described, and refused when run: there is no CPU kernel for it. */
const NOT_RUNNABLE = 'mixtral-hf-ort-cuda';
const zoo = zooModels().filter(
  folder => !['demo', NOT_RUNNABLE].includes(basename(folder))
);

const models = [DEMO, ...zoo].map(folder => ({
  name: basename(folder),
  folder,
  drops: editSlots(folder).every(({ scale }) => 'input' in scale)
}));
for (const { name } of models.filter(({ drops }) => !drops)) {
  it.skip(`${name}: its fused experts cannot be dropped`, () => undefined);
}
it.each(models.filter(({ drops }) => drops))('$name', async ({ folder }) => {
  const model = await loadModel(folder);
  try {
    const { loaded: parts } = model;
    const [{ prompt: recorded }] = readTruth(folder).prompts;
    const prompt = parts.tokenize(recorded);
    const run = async (
      edits: Edits,
      routers: readonly number[]
    ): Promise<Activations> =>
      recordActivations(
        parts,
        await probedSession(parts).resolve(edits).run(),
        prompt,
        { outputs: routers }
      );
    const routers = [...parts.routers.keys()];
    const plain = await run({}, routers);
    for (const router of routers) {
      const { layer, stack, module, selected, weights, topK } =
        plain.routing[router];
      const [expert] = selected;
      const tokens = selected.length / topK;
      // Every other router is edited from the middle on.
      const range =
        router % 2 === 0 ? undefined : ([Math.floor(tokens / 2)] as const);
      const dropped = await run(
        {
          ablate: [
            {
              layer,
              ...(stack ? { stack } : {}),
              ...(module ? { module } : {}),
              expert,
              mode: 'drop',
              ...(range ? { tokens: range } : {})
            }
          ]
        },
        [router]
      );
      const [before, after] = [plain, dropped].map(({ outputs }) =>
        outputs.get(router)!
      );
      const width = before.length / tokens;
      const changed: number[] = [];
      const chose: number[] = [];
      for (let t = 0; t < tokens; t++) {
        const rows = [before, after].map(values =>
          values.subarray(t * width, (t + 1) * width)
        );
        // What is no number to begin with shows no change.
        if (!rows[0].every(Number.isFinite)) {
          continue;
        }
        if (rows[0].some((value, i) => value !== rows[1][i])) {
          changed.push(t);
        }
        const slot = selected
          .subarray(t * topK, (t + 1) * topK)
          .indexOf(expert);
        // A token over capacity was dropped already.
        if (
          slot >= 0 &&
          weights[t * topK + slot] !== 0 &&
          t >= (range?.[0] ?? 0)
        ) {
          chose.push(t);
        }
      }
      expect({ router, changed }).toEqual({ router, changed: chose });
    }
  } finally {
    await model.dispose();
  }
});
