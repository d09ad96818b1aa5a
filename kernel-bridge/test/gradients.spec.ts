/** Gradients beside PyTorch's: of every model that some were recorded for, in every form that it was exported in. */
import { basename } from 'node:path';
import type { SessionOptions } from '../src/engine/messages';
import { readModel } from '../src/onnx/model';
import { gradientsOf, gradientTruthFor, relativeError } from './gradient-truth';
import { zooModels, ZOO } from './zoo';

const SETTINGS: SessionOptions[] = (
  ['disabled', 'basic', 'extended', 'all'] as const
).map(graphOptimization => ({ graphOptimization, threads: 2 }));

/** Its MoE operator has no CPU kernel. */
const NOT_RUNNABLE = new Set(['mixtral-hf-ort-cuda']);

const all = zooModels().filter(
  folder =>
    !NOT_RUNNABLE.has(basename(folder)) &&
    gradientTruthFor(folder) !== undefined
);
const models = all.filter(folder =>
  readModel(folder).proto.graph.node.every(({ domain }) => !domain)
);

describe('gradients of a logit by the embeddings', () => {
  if (models.length === 0) {
    it('are compared with nothing here', () => {
      process.stdout.write(`skipped: there is no zoo at ${ZOO}\n`);
    });
    return;
  }

  it('are not derived of fused operators', () => {
    process.stdout.write(
      `skipped, as they have fused operators: ${all
        .filter(folder => !models.includes(folder))
        .map(folder => basename(folder))
        .join(', ')}\n`
    );
  });

  it.each(models.map(folder => [basename(folder), folder]))(
    '%s: PyTorch’s, at every optimisation level and with 2 threads',
    async (_, folder) => {
      const { ids, logit, gradient } = gradientTruthFor(folder)!;
      for (const settings of SETTINGS) {
        const gradients = gradientsOf(folder, settings);
        const session = await gradients.session({
          kind: 'entry',
          tensor: 'logits'
        });
        const run = await session.run(
          {
            sequence: { ids },
            position: logit.position,
            index: logit.index
          },
          { gradients: ['embeddings'] }
        );
        const derived = run.gradients.get('embeddings')!;
        expect(Math.abs(run.values[0] - logit.value)).toBeLessThan(1e-4);
        expect(
          relativeError(derived.data as Float32Array, gradient)
        ).toBeLessThan(1e-5);
        await gradients.release();
      }
    }
  );
});
