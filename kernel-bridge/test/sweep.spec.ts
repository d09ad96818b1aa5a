/** A sweep gives what one run an ablation gives, and what PyTorch gave with the same ablation. */
import { basename } from 'node:path';
import type { MoEDebuggerError, RoutingTrace } from '../src';
import { loadModel, type MoEModel, type PromptObject } from '../src';
import { readEditTruth } from './edit-truth';
import { compare, oneByOne } from './one-by-one';
import { DEMO, readTruth, zooModels } from './zoo';

/** Described, and refused when run: there is no CPU kernel for it. */
const NOT_RUNNABLE = 'mixtral-hf-ort-cuda';
const zoo = zooModels().filter(
  folder => !['demo', NOT_RUNNABLE].includes(basename(folder))
);
/** Experts of a model that are compared with one run each. */
const COMPARED = 6;
const SAME = 1e-5;

describe.each(
  [DEMO, ...zoo].map(folder => ({ name: basename(folder), folder }))
)('$name', ({ folder }) => {
  let model: MoEModel;
  let prompts: PromptObject[];
  let plain: RoutingTrace[];

  beforeAll(async () => {
    // Jest has a worker for each core; more threads than that wait for each other by spinning.
    model = await loadModel(folder, { threads: 1 });
    prompts = readTruth(folder)
      .prompts.slice(0, 3)
      .map(({ prompt }, i) => ({
        id: `p${i}`,
        domain: i === 0 ? 'first' : 'other',
        ...prompt
      }));
    plain = [];
    for (const prompt of prompts) {
      plain.push(await model.trace(prompt, { logits: 'all' }));
    }
  });

  afterAll(() => model.dispose());

  it.each(['mask', 'drop'] as const)(
    'gives by %s what one run an ablation gives',
    async mode => {
      let result;
      try {
        result = await model.sweep(prompts, { mode });
      } catch (error) {
        const { code, message } = error as MoEDebuggerError;
        if (code !== 'edit' || !/does not support/.test(message)) {
          throw error;
        }
        // Refused before anything ran, by a layer that is named.
        expect(message).toMatch(/layer \d/);
        return;
      }
      expect(result.complete).toBe(true);
      const experts = model.layers.reduce(
        (sum, layer) => sum + (layer.moe ? layer.experts : 0),
        0
      );
      expect(result.rows).toHaveLength(experts);
      for (const i of spread(result.rows.length)) {
        const row = result.rows[i];
        const expected = await oneByOne(model, prompts, plain, row);
        expect(row.tokensAffected).toBe(expected.tokensAffected);
        for (const figure of ['klLast', 'deltaLogProb'] as const) {
          near(row[figure], expected[figure], `${figure} of row ${i}`);
        }
        // Wider than from the first token that chose it where the graph says that more can change.
        const reach = expected.reached.find(
          ({ positions }) => positions === row.tokensReached
        );
        near(row.klMean, reach!.klMean, `klMean of row ${i}`);
        // The tokens changed most: found here in all runs, one by one. Of those that it reaches, some are as they were.
        const changes = [...expected.kl.values()]
          .filter(kl => !Number.isNaN(kl))
          .sort((a, b) => b - a);
        const changed = changes.filter(kl => kl > SAME).length;
        expect(row.tokens.length).toBeGreaterThanOrEqual(Math.min(8, changed));
        expect(row.tokens.length).toBeLessThanOrEqual(
          Math.min(8, row.tokensReached)
        );
        row.tokens.forEach(({ kl }, rank) =>
          near(kl, changes[rank], `change ${rank} of row ${i}`)
        );
        for (const { prompt, position, kl } of row.tokens) {
          near(
            kl,
            expected.kl.get(`${prompt}/${position}`)!,
            `token ${position} of row ${i}`
          );
        }
      }
    }
  );

  it('gives what PyTorch gave', async () => {
    const truth = readEditTruth(folder).filter(
      ({ kind }) => kind === 'mask' || kind === 'drop'
    );
    const [{ ids, logits, routers }] = readTruth(folder).prompts;
    const cards = model.layers.filter(layer => layer.moe === true);
    for (const edit of truth) {
      const { layer, stack, module } = cards[edit.router];
      const { rows } = await model.sweep(prompts[0], {
        mode: edit.kind as 'mask' | 'drop',
        only: [{ layer, stack, module, expert: edit.value }]
      });
      const [row] = rows;
      const expected = compare(logits, edit.logits, logits.length / ids.length);
      const { selected } = routers[edit.router];
      const k = selected.length / ids.length;
      expect(row.tokensAffected).toBe(
        selected.filter(expert => expert === edit.value).length
      );
      const reached = ids.length - row.tokensReached;
      if (row.tokensReached < ids.length) {
        expect(reached).toBe(Math.floor(selected.indexOf(edit.value) / k));
      }
      near(row.klLast, expected.klLast, 'klLast', 1e-4);
      near(row.deltaLogProb, expected.deltaLogProb, 'deltaLogProb', 5e-4);
      const kl = expected.kl.slice(reached);
      near(
        row.klMean,
        kl.reduce((sum, value) => sum + value, 0) / Math.max(1, kl.length),
        'klMean',
        1e-4
      );
    }
  });
});

/** Rows over the whole of them, the first among them. */
const spread = (rows: number): number[] =>
  Array.from({ length: Math.min(COMPARED, rows) }, (_, i) =>
    Math.floor((i * rows) / Math.min(COMPARED, rows))
  );

function near(
  value: number | null,
  expected: number | null,
  what: string,
  within = SAME
): void {
  if (expected === null || !Number.isFinite(expected)) {
    return;
  }
  const difference = Math.abs((value ?? Infinity) - expected);
  expect({ what, far: difference > within && { value, expected } }).toEqual({
    what,
    far: false
  });
}
