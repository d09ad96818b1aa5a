/** Circuits and patches beside what was recorded of models: which heads do induction, what single experts put out. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadModel } from '../src';
import { runBoth } from '../src/analyses/patching/two-runs';
import { readSafetensors } from './safetensors';
import { readTruth, withZoo, zooModel } from './zoo';

interface Head {
  layer: number;
  head: number;
}

withZoo('induction-dynamo', 'the circuit of induction', folder => {
  const { induction } = JSON.parse(
    readFileSync(join(folder, 'truth.json'), 'utf8')
  ) as {
    induction: { induction_heads: Head[]; previous_token_heads: Head[] };
  };
  const [previous] = induction.previous_token_heads;

  it('goes from the previous-token head by the keys of the induction heads', async () => {
    const model = await loadModel(folder);
    const length = 12;
    for (const { ids } of readTruth(folder).prompts) {
      // The second copy ends where the token after its last one is to be told from the first copy.
      const clean = ids.slice(0, length + 6);
      const told = ids[6];
      const corrupted = clean.map((id, i) => (i === 5 ? (id + 17) % 96 : id));
      const found = await model.circuit(clean, corrupted, {
        target: { kind: 'logit', token: told },
        size: 16
      });
      const { edges } = found.prune(found.data.threshold);
      const keys = edges
        .filter(({ input, to }) => input === 'key' && to.startsWith('layer 1'))
        .map(({ from, to }) => `${from} > ${to}`);
      // The strongest first.
      expect(keys.slice(0, induction.induction_heads.length).sort()).toEqual(
        induction.induction_heads
          .map(
            ({ layer, head }) =>
              `layer ${previous.layer} head ${previous.head} > layer ${layer} head ${head}`
          )
          .sort()
      );
      const point = found.faithfulness!.points.find(({ size }) => size === 16)!;
      expect(point.faithfulness).toBeGreaterThan(0.8);
      expect(Math.abs(point.random!.mean!)).toBeLessThan(0.1);
      expect(found.correlation!.nodes!.pearson).toBeGreaterThan(0.9);
    }
    await model.dispose();
  });
});

for (const name of ['mixtral-dynamo', 'mixtral-jit', 'mixtral-msmoe']) {
  withZoo(name, 'what experts and heads add', folder => {
    // The same weights in each: the truth of the first has what single experts put out.
    const recorded = zooModel('mixtral-dynamo')!;

    it('is what was recorded, and adds up to the stream', async () => {
      const { expert_out: at } = (
        JSON.parse(readFileSync(join(recorded, 'truth.json'), 'utf8')) as {
          deep: {
            expert_out: { layer: number; token: number; experts: number[] };
          };
        }
      ).deep;
      const tensors = readSafetensors(join(recorded, 'truth.safetensors'));
      const outputs = tensors.get('expert_out/selected')!.data as Float32Array;
      const [{ ids, routers }] = readTruth(recorded).prompts;
      const model = await loadModel(folder);
      const runs = await runBoth(
        model.loaded,
        ids,
        { embeddings: 'zero' },
        {
          target: { kind: 'logit', token: 5 }
        }
      );
      const width = outputs.length / at.experts.length;
      const { selected, weights } = routers[at.layer];
      at.experts.forEach((expert, j) => {
        const source = runs.sources.findIndex(
          ({ id }) => id === `layer ${at.layer} expert ${expert}`
        );
        const slot = selected
          .slice(2 * at.token, 2 * at.token + 2)
          .indexOf(expert);
        const weight = weights[2 * at.token + slot];
        const added = runs.clean.added[source].subarray(
          at.token * width,
          (at.token + 1) * width
        );
        added.forEach((x, i) =>
          expect(x).toBeCloseTo(weight * outputs[j * width + i], 5)
        );
      });
      const last = runs.layout.states[runs.layout.states.length - 1];
      const stream = runs.clean.tensors.get(last)!;
      stream.forEach((x, i) =>
        expect(
          runs.clean.added.reduce((sum, values) => sum + values[i], 0)
        ).toBeCloseTo(x, 4)
      );
      await model.dispose();
    });
  });
}

for (const name of [
  'qwen2_moe-dynamo',
  'deepseek_v3-dynamo',
  'phimoe-dynamo'
]) {
  withZoo(name, 'circuits', folder => {
    it('of no edges and of all give both prompts', async () => {
      const model = await loadModel(folder);
      const found = await model.circuit([3, 17, 4, 9, 22], [3, 17, 8, 9, 22], {
        measure: 4,
        steps: 1
      });
      const { points } = found.faithfulness!;
      expect(points[0].faithfulness).toBeCloseTo(0, 3);
      expect(points.at(-1)!.faithfulness).toBeCloseTo(1, 3);
      const streams = found.nodes.filter(({ kind }) => kind === 'residual');
      const patched = await found.patch(
        streams.map(({ id }) => ({ node: id }))
      );
      const { clean, corrupted } = found.data.values;
      patched.forEach(({ effect }) =>
        expect(effect).toBeCloseTo(corrupted - clean, 4)
      );
      await model.dispose();
    });
  });
}

withZoo('switch-dynamo', 'an encoder and a decoder', folder => {
  it('are refused by name', async () => {
    const model = await loadModel(folder);
    await expect(model.circuit([1, 2], [1, 3])).rejects.toMatchObject({
      code: 'model-unsupported',
      message: expect.stringMatching(/encoder/)
    });
    await model.dispose();
  });
});
