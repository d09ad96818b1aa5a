import { editedSession } from './edited-sessions';
import { loadModel } from '../../api/load-model';
import type { MoEModel } from '../../api/moe-model';
import { tinyMoE } from '../../../test/tiny-moe';
import { toFloat32 } from '../engine/tensor-values';
import { batchFeeds } from './batch-edits';
import type { Edits } from './edits';

const IDS = [3, 14, 15, 9, 26, 5];
const VOCABULARY = 50;
let model: MoEModel;

beforeAll(async () => {
  model = await loadModel(tinyMoE().save());
});
afterAll(() => model.dispose());

/** Logits of one run with different edits per row. */
async function together(edits: readonly Edits[]): Promise<Float32Array[]> {
  const { inputs, logits } = model.loaded;
  const edited = editedSession(model.loaded);
  const runs = await Promise.all(edits.map(one => edited.resolve(one).run()));
  const step = {
    ids: edits.map(() => IDS),
    positions: edits.map(() => IDS.map((_, i) => i)),
    mask: edits.map(() => IDS.map(() => 1)),
    cached: 0
  };
  const { outputs } = await runs[0].session.run(
    {
      ...inputs.feeds(step),
      ...batchFeeds(
        runs.map(run => run.edits),
        step
      )
    },
    [logits]
  );
  const values = toFloat32(outputs[logits]);
  const size = IDS.length * VOCABULARY;
  return edits.map((_, row) => values.subarray(row * size, (row + 1) * size));
}

it('edits each row of a batch as if it ran alone', async () => {
  const { layers } = (await model.trace(IDS)).samples[0];
  const [first, second] = layers.map(({ selected }) => selected[0]);
  const edits: Edits[] = [
    {},
    { ablate: [{ layer: 0, expert: first }] },
    { ablate: [{ layer: 1, expert: second, mode: 'drop' }] },
    { force: [{ layer: 1, expert: 5, tokens: [2, 4] }] },
    { bias: [{ layer: 0, expert: 6, value: 25, tokens: [1] }] },
    {
      steer: [{ layer: 0, vector: Array.from({ length: 16 }, (_, i) => i / 8) }]
    }
  ];
  const rows = await together(edits);
  for (const [i, edit] of edits.entries()) {
    const trace = await model.with(edit).trace(IDS, { logits: 'all' });
    const alone = [...trace.outputLogits.values()][0].data;
    rows[i].forEach((value, at) => expect(value).toBeCloseTo(alone[at], 4));
    if (i > 0) {
      expect(
        rows[i].some((value, at) => Math.abs(value - rows[0][at]) > 1e-3)
      ).toBe(true);
    }
  }
});

it('rejects rows of different top-k, which is one input of the graph', async () => {
  await expect(together([{ topK: 1 }, {}])).rejects.toMatchObject({
    code: 'edit',
    message: expect.stringMatching(/top-k/)
  });
});
