/** The logit lens and single experts' outputs are what PyTorch hooks recorded. */
import { probedSession } from '../src/run/edits/edited-sessions';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { loadModel, type MoEModel } from '../src';
import { expertOutputs } from '../src/run/activations/expert-outputs';
import { recordActivations } from '../src/run/activations/record-activations';
import { largestDifference } from './edit-truth';
import { readSafetensors, type StoredTensor } from './safetensors';
import { DEMO, describeEach, readTruth, zooModels } from './zoo';

const deep = zooModels().filter(folder =>
  readSafetensors(join(folder, 'truth.safetensors')).has('lens/last_token')
);
const models: MoEModel[] = [];
afterAll(() => Promise.all(models.map(model => model.dispose())));

async function load(folder: string): Promise<MoEModel> {
  const model = await loadModel(folder);
  models.push(model);
  return model;
}

describeEach(deep, '$name', ({ folder }) => {
  const tensors = readSafetensors(join(folder, 'truth.safetensors'));
  const values = (name: string): Float32Array =>
    (tensors.get(name) as StoredTensor).data as Float32Array;
  const [{ ids }] = readTruth(folder).prompts;

  it('reads the recorded distributions in the residual stream', async () => {
    const model = await load(folder);
    const expected = values('lens/last_token');
    const vocabulary =
      expected.length / tensors.get('lens/last_token')!.shape[0];
    const lens = await model.lens(ids, { top: 20, experts: false });
    expect(lens.layers).toHaveLength(expected.length / vocabulary);
    lens.layers.forEach(({ top }, layer) => {
      const row = expected.subarray(
        layer * vocabulary,
        (layer + 1) * vocabulary
      );
      const sorted = [...row].sort((a, b) => b - a);
      const total = row.reduce((sum, x) => sum + Math.exp(x), 0);
      top.forEach(({ id, logit, probability }, place) => {
        expect(Math.abs(logit! - row[id])).toBeLessThanOrEqual(1e-4);
        expect(Math.abs(logit! - sorted[place])).toBeLessThanOrEqual(1e-4);
        expect(probability).toBeCloseTo(Math.exp(row[id]) / total, 5);
      });
    });
    // Nothing is left to be done after the last layer.
    expect(lens.layers.at(-1)!.readings[0]).toMatchObject({
      rankOfFinal: 1
    });
    expect(lens.layers.at(-1)!.readings[0].klToFinal).toBeLessThan(1e-6);
  });

  it('hands out the recorded residual stream', async () => {
    const { loaded: parts } = await load(folder);
    const target = await probedSession(parts).resolve({}).run();
    const { residual } = await recordActivations(
      parts,
      target,
      parts.tokenize(ids),
      { residual: true }
    );
    const hidden = values('lens/hidden');
    const size = hidden.length / residual.length;
    residual.forEach(({ values: own }, layer) =>
      expect(
        largestDifference(
          own,
          hidden.subarray(layer * size, (layer + 1) * size)
        )
      ).toBeLessThanOrEqual(1e-4)
    );
  });

  it('tells apart what the chosen experts add', async () => {
    const { loaded: parts } = await load(folder);
    const { deep: about } = JSON.parse(
      readFileSync(join(folder, 'truth.json'), 'utf8')
    ) as {
      deep: {
        expert_out: { layer: number; token: number; experts: number[] };
      };
    };
    // Counted in MoE layers, dense ones left out.
    const { layer: router, token, experts } = about.expert_out;
    const target = await probedSession(parts).resolve({}).run();
    const prompt = parts.tokenize(ids);
    const run = await recordActivations(parts, target, prompt, {
      inputs: [router],
      outputs: [router]
    });
    const expected = values('expert_out/selected');
    const width = expected.length / experts.length;
    expect(
      largestDifference(
        run.inputs.get(router)!.subarray(token * width, (token + 1) * width),
        values('expert_out/input')
      )
    ).toBeLessThanOrEqual(1e-4);
    const outputs = await expertOutputs(parts, prompt, {
      router,
      routing: run.routing[router],
      added: run.outputs.get(router)!
    });
    const { selected, topK } = outputs;
    const slots = Array.from(
      { length: topK },
      (_, slot) => token * topK + slot
    );
    expect(slots.map(slot => selected[slot]).sort()).toEqual(
      [...experts].sort()
    );
    slots.forEach(slot => {
      const j = experts.indexOf(selected[slot]);
      expect(
        largestDifference(
          outputs.values.subarray(slot * width, (slot + 1) * width),
          expected.subarray(j * width, (j + 1) * width)
        )
      ).toBeLessThanOrEqual(1e-4);
    });
  });
});

describe('the demo model', () => {
  it('ends in its own distribution, at every position', async () => {
    const model = await load(DEMO);
    const prompt = 'def fib(n):';
    const lens = await model.lens(prompt, { positions: 'all', top: 3 });
    const trace = await model.trace(prompt, { logits: 'all' });
    const { data, width } = [...trace.outputLogits.values()][0];
    const { readings } = lens.layers.at(-1)!;
    expect(readings).toHaveLength(data.length / width);
    readings.forEach(({ position, top, klToFinal }) => {
      const row = data.subarray(position * width, (position + 1) * width);
      expect(top[0].logit).toBeCloseTo(Math.max(...row), 3);
      expect(klToFinal).toBeLessThan(1e-6);
    });
    const { layers } = trace.samples[0];
    lens.data.experts.forEach((own, i) =>
      own.positions.forEach(({ position, votes }) =>
        expect(votes.map(({ expert }) => expert)).toEqual([
          ...layers[i].selected.subarray(position * 2, position * 2 + 2)
        ])
      )
    );
  });

  it('tells what an expert of the last layer does to the logits, as dropping it does', async () => {
    const model = await load(DEMO);
    const prompt = 'def fib(n):\n    return';
    const { layer, expert, position } = await lastChoice(model, prompt);
    const vocabulary = await model.expertVocabulary({
      layer,
      expert,
      prompts: { text: prompt },
      top: 5
    });
    expect(vocabulary).toMatchObject({ by: 'activation', layer, expert });
    // Nothing comes after the last layer, so its direct effect is all of it.
    const logits = async (
      target: Pick<MoEModel, 'trace'>
    ): Promise<Float32Array> => {
      const { outputLogits } = await target.trace(prompt, { logits: 'all' });
      return [...outputLogits.values()][0].data;
    };
    const plain = await logits(model);
    const dropped = await logits(
      model.with({ ablate: [{ layer, expert, mode: 'drop' }] })
    );
    const width = plain.length / vocabulary.of;
    const chose = [...Array(vocabulary.of).keys()].filter(t =>
      plain
        .subarray(t * width, (t + 1) * width)
        .some((value, i) => Math.abs(value - dropped[t * width + i]) > 1e-4)
    );
    expect(chose).toContain(position);
    expect(vocabulary.tokens).toBe(chose.length);
    const changes = Array.from(
      { length: width },
      (_, id) =>
        chose.reduce(
          (sum, t) => sum + plain[t * width + id] - dropped[t * width + id],
          0
        ) / chose.length
    );
    const mean = changes.reduce((sum, value) => sum + value, 0) / width;
    // Weighted by the probability without any expert, and relative to the mean by these weights.
    const bare = await logits(
      model.with({
        ablate: Array.from({ length: 8 }, (_, other) => ({
          layer,
          expert: other,
          mode: 'drop' as const
        }))
      })
    );
    const rowOf = (logits: Float32Array, t: number): number[] => [
      ...logits.subarray(t * width, (t + 1) * width)
    ];
    const shares = chose.map(t => {
      const exps = rowOf(bare, t).map(Math.exp);
      const total = exps.reduce((sum, value) => sum + value, 0);
      const weights = exps.map(value => value / total);
      const moved = rowOf(plain, t).map(
        (value, id) => value - rowOf(dropped, t)[id]
      );
      const centre = moved.reduce(
        (sum, value, id) => sum + weights[id] * value,
        0
      );
      return { weights, moved: moved.map(value => value - centre) };
    });
    const without = (id: number): number =>
      shares.reduce((sum, own) => sum + own.weights[id] * own.moved[id], 0) /
      shares.reduce((sum, own) => sum + own.weights[id], 0);
    expect(vocabulary.raised).toHaveLength(5);
    expect(vocabulary.lowered).toHaveLength(5);
    [...vocabulary.raised, ...vocabulary.lowered].forEach(own => {
      expect(own.change).toBeCloseTo(changes[own.id] - mean, 3);
      expect(own.without).toBeCloseTo(without(own.id), 3);
    });
    await expect(
      model.expertVocabulary({ layer, expert: 8, prompts: prompt })
    ).rejects.toThrow(/no expert 8/);
  });
});

/** The first expert of the last token in the last layer. */
async function lastChoice(
  model: MoEModel,
  prompt: string
): Promise<{ layer: number; expert: number; position: number }> {
  const { samples } = await model.trace(prompt);
  const { layer, selected, topK } = samples[0].layers.at(-1)!;
  const position = selected.length / topK - 1;
  return { layer, expert: selected[position * topK], position };
}

const runnable = zooModels().filter(
  folder => !['demo', 'mixtral-hf-ort-cuda'].includes(basename(folder))
);
it.each(runnable.map(folder => [basename(folder), folder]))(
  'takes apart what the last layer of %s adds',
  async (_, folder) => {
    const model = await loadModel(folder);
    const { loaded: parts } = model;
    const [{ ids, prompt: recorded }] = readTruth(folder).prompts;
    const prompt = parts.tokenize(recorded);
    const router = parts.routers.length - 1;
    const { outputs, routing } = await recordActivations(
      parts,
      await probedSession(parts).resolve({}).run(),
      prompt,
      { outputs: [router] }
    );
    const added = outputs.get(router)!;
    // It is an error if the experts, weighted, and what is beside them are not what the layer adds.
    const { values, topK, width } = await expertOutputs(parts, prompt, {
      router,
      routing: routing[router],
      added
    });
    expect(values).toHaveLength(added.length * topK);
    expect(width).toBe(added.length / ids.length);
    await model.dispose();
  }
);
