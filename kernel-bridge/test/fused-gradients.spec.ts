/** Gradients through fused attention and weights of few bits, against differences of the model's own results. */
import { basename } from 'node:path';
import { readModel } from '../src/onnx/file/model';
import { gradientsOf } from './gradient-truth';
import { NO_ZOO, readTruth, zooModels } from './zoo';

const FUSED = ['GroupQueryAttention', 'QMoE', 'MatMulNBits'];

const fusedIn = (folder: string): string[] => {
  const found = new Set(
    readModel(folder).proto.graph.node.map(({ opType }) => opType)
  );
  return FUSED.filter(op => found.has(op));
};
const models = zooModels()
  .map(folder => [basename(folder), fusedIn(folder), folder] as const)
  .filter(([, fused]) => fused.length > 0);

describe('gradients by the embeddings', () => {
  if (models.length === 0) {
    it.skip(`are compared with differences: ${NO_ZOO}`, () => undefined);
    return;
  }

  it.each(models)('%s, with %j', async (_, _fused, folder) => {
    const [{ ids, logits }] = readTruth(folder).prompts;
    const vocabulary = logits.length / ids.length;
    const gradients = gradientsOf(folder);
    const session = await gradients.session({
      kind: 'entry',
      tensor: 'logits'
    });
    for (const [position, index] of [
      [ids.length - 1, 3],
      [Math.floor(ids.length / 2), 11]
    ]) {
      const at = { sequence: { ids }, position, index };
      const run = await session.run(at, {
        gradients: ['embeddings'],
        embeddings: true
      });
      expect(
        Math.abs(run.values[0] - logits[position * vocabulary + index])
      ).toBeLessThan(1e-4);
      const { dims, data } = run.gradients.get('embeddings')!;
      const gradient = data as Float32Array;
      const embeddings = run.embeddings!.data as Float32Array;
      const size = Math.hypot(...gradient);
      const step = 1e-2;
      // Steepest ascent, and a direction that has nothing to do with it.
      for (const direction of [
        gradient.map(g => g / size),
        gradient.map((_, i) => Math.cos(7 * i * i) / Math.sqrt(gradient.length))
      ]) {
        const [ahead, behind] = await Promise.all(
          [step, -step].map(async h => {
            const moved = embeddings.map((x, i) => x + h * direction[i]);
            const { values } = await session.run({
              ...at,
              scales: [0],
              baseline: { type: 'float32', dims, data: moved }
            });
            return values[0];
          })
        );
        const derivative = direction.reduce(
          (sum, d, i) => sum + d * gradient[i],
          0
        );
        expect(
          Math.abs((ahead - behind) / (2 * step) - derivative)
        ).toBeLessThan(1e-3 * size);
      }
    }
    await gradients.release();
  });
});
