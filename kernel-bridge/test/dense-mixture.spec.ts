/**
 * With k raised to all experts, a softmax router mixes all of them by their probabilities: what its layer adds is the
 * sum of the expert outputs that PyTorch recorded, each times the softmax of the logits that PyTorch recorded.
 */
import { probedSession } from '../src/run/edits/edited-sessions';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { inspectModel, loadModel, type Edits } from '../src';
import { recordActivations } from '../src/run/activations/record-activations';
import { largestDifference } from './edit-truth';
import { readSafetensors } from './safetensors';
import { describeEach, readTruth, zooModels } from './zoo';

/** The router whose experts' outputs were recorded, and the token of the first prompt. */
function recorded(folder: string): { layer: number; token: number } {
  const { deep } = JSON.parse(
    readFileSync(join(folder, 'truth.json'), 'utf8')
  ) as { deep: { expert_out: { layer: number; token: number } } };
  return deep.expert_out;
}

function scoresBySoftmax(folder: string): boolean {
  const routers = inspectModel(folder).layers.filter(own => own.moe === true);
  return routers[recorded(folder).layer].score === 'softmax';
}

const deep = zooModels().filter(folder =>
  readSafetensors(join(folder, 'truth.safetensors')).has('expert_out/all')
);
const mixing = deep.filter(scoresBySoftmax);
for (const folder of deep.filter(own => !mixing.includes(own))) {
  it.skip(`${basename(folder)}: no dense mixture, since its scores are no softmax`, () =>
    undefined);
}
describeEach(mixing, '$name', ({ folder }) => {
  it('mixes all experts by their probabilities', async () => {
    const model = await loadModel(folder);
    const { loaded: parts } = model;
    const { layer: router, token } = recorded(folder);
    const { layer, experts } = parts.routers[router];
    const tensors = readSafetensors(join(folder, 'truth.safetensors'));
    const values = (tensor: string): Float32Array =>
      tensors.get(tensor)!.data as Float32Array;
    const [{ ids }] = readTruth(folder).prompts;
    /** What the layer adds at the token. */
    const added = async (edits: Edits): Promise<Float32Array> => {
      const { outputs } = await recordActivations(
        parts,
        await probedSession(parts).resolve(edits).run(),
        parts.tokenize(ids),
        { outputs: [router] }
      );
      const own = outputs.get(router)!;
      const width = own.length / ids.length;
      return own.subarray(token * width, (token + 1) * width);
    };
    const all = await added({ topK: [{ layer, k: experts }] });
    const beside = await added({
      ablate: Array.from({ length: experts }, (_, expert) => ({
        layer,
        expert,
        mode: 'drop' as const
      }))
    });
    const logits = values(`p0/l${router}/router_logits`).subarray(
      token * experts,
      (token + 1) * experts
    );
    const exponents = Array.from(logits, Math.exp);
    const total = exponents.reduce((sum, value) => sum + value, 0);
    const outputs = values('expert_out/all');
    const mixture = all.map((_, i) =>
      exponents.reduce(
        (sum, value, expert) =>
          sum + (value / total) * outputs[expert * all.length + i],
        0
      )
    );
    expect(
      largestDifference(
        all.map((value, i) => value - beside[i]),
        mixture
      )
    ).toBeLessThanOrEqual(1e-4);
    expect(Math.max(...mixture.map(Math.abs))).toBeGreaterThan(1e-3);
    await model.dispose();
  });
});
