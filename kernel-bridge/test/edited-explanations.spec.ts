/** Explanations of edited models of every family: PyTorch's own logits with the edit, and derivatives as differences. */
import { loadModel } from '../src';
import { editedRunnable } from '../src/run/edits/edited-runnable';
import { editedSession } from '../src/run/edits/edited-sessions';
import { gradientsOf } from '../src/run/gradients/gradients-of';
import type { MoEModel } from '../src/api/moe-model';
import { asEdits, readEditTruth, type EditTruth } from './edit-truth';
import { describeEach, readTruth, smallModels, zooModels } from './zoo';

const models = zooModels().filter(folder => readEditTruth(folder).length > 0);

describeEach(models, 'explained edits of $name', ({ folder }) => {
  const truth = readTruth(folder);
  const [{ prompt, ids, logits }] = truth.prompts;
  const vocabulary = logits.length / ids.length;
  const last = (values: Float32Array): Float32Array =>
    values.subarray(values.length - vocabulary);
  let model: MoEModel;

  beforeAll(async () => {
    model = await loadModel(folder);
  });
  afterAll(() => model.dispose());

  // One of each kind, in the first router: what comes after it is edited too.
  const kinds = ['mask', 'drop', 'force', 'topK'] as const;
  const edits = kinds.flatMap(kind =>
    readEditTruth(folder)
      .filter(edit => edit.kind === kind)
      .slice(0, 1)
  );

  it.each(edits.map((edit): [string, EditTruth] => [edit.kind, edit]))(
    '%s',
    async (_, edit) => {
      const { layer, stack } = model.loaded.routers[edit.router];
      const given = asEdits(edit, { layer, ...(stack ? { stack } : {}) });
      const row = last(edit.logits);
      const token = row.indexOf(Math.max(...row));
      const found = await model.with(given).attribute(prompt, {
        target: { kind: 'logit', token },
        method: 'grad-input'
      });
      expect(found.value).toBeCloseTo(row[token], 3);
      expect(Math.abs(row[token] - last(logits)[token])).toBeGreaterThan(1e-5);
      expect(Number.isFinite(found.tokens[0].attribution)).toBe(true);

      // The slope of the logit along the embeddings, by central differences of the edited graph's forward pass.
      const run = editedRunnable(
        model.loaded,
        editedSession(model.loaded).resolve(given)
      );
      const forward = await gradientsOf(run).session({
        kind: 'entry',
        tensor: run.logits,
        forwardOnly: true
      });
      const tokenized = model.loaded.tokenize(prompt);
      const at = async (scale: number): Promise<number> =>
        (
          await forward.run({
            sequence: tokenized,
            position: (tokenized.decoderIds ?? tokenized.ids).length - 1,
            index: token,
            scales: [scale]
          })
        ).values[0];
      const here = await at(1);
      expect(here).toBeCloseTo(row[token], 3);
      const slopes: number[] = [];
      for (const step of [2e-3, 5e-4]) {
        const after = ((await at(1 + step)) - here) / step;
        const before = (here - (await at(1 - step))) / step;
        // They differ where the routing changes within the step: the logit jumps there.
        if (Math.abs(after - before) < 0.1 * Math.max(0.5, Math.abs(after))) {
          slopes.push((after + before) / 2);
        }
      }
      expect(slopes.length).toBeGreaterThan(0);
      const along = found.tokens.reduce((sum, t) => sum + t.attribution, 0);
      expect(Math.abs(along - slopes[0])).toBeLessThan(
        0.02 * Math.max(0.5, Math.abs(along))
      );
    },
    120_000
  );
});

describe('causes in the text of an edited model', () => {
  const folder = smallModels().find(name => /qwen2_moe/.test(name))!;
  const PROMPT = [5, 9, 2, 30];
  let model: MoEModel;

  beforeAll(async () => {
    model = await loadModel(folder);
  });
  afterAll(() => model.dispose());

  it('are those of an ablation beside the edits, where these decide which expert runs too', async () => {
    const [{ layer, experts }] = model.loaded.routers;
    const plain = await model.trace(PROMPT);
    const [swapped] = plain.layer(layer).selected;
    const to = (swapped + 1) % experts;
    const edits = {
      ablate: [{ layer, expert: swapped, mode: 'swap' as const, to }],
      bias: [{ layer, expert: (swapped + 2) % experts, value: 3 }]
    };
    const options = { maxNewTokens: 3 };
    const { text } = await model.with(edits).generate(PROMPT, options);
    const escaped = text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    const result = await model.with(edits).causalExperts([PROMPT], {
      criterion: { pattern: new RegExp(`^${escaped}$`), ...options },
      layers: [layer]
    });
    expect(result.toJSON().original).toBe(1);
    // All but the expert that runs in place of another.
    expect(result.rows).toHaveLength(experts - 1);
    let changed = 0;
    for (const { expert, change } of result.rows) {
      const ablated = await model
        .with({
          ablate: [
            ...edits.ablate.filter(own => own.expert !== expert),
            { layer, expert }
          ],
          bias: edits.bias.filter(own => own.expert !== expert)
        })
        .generate(PROMPT, options);
      expect([expert, change]).toEqual([
        expert,
        ablated.text === text ? 0 : -1
      ]);
      changed += ablated.text === text ? 0 : 1;
    }
    expect(changed).toBeGreaterThan(0);
    expect(result.notes[0]).toBe(
      'the model had 2 edits; experts that they ablate or force are left out'
    );
  }, 60_000);
});
