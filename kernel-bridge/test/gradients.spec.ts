/** Gradients beside PyTorch's: of every model that some were recorded for, in every form that it was exported in. */
import { basename } from 'node:path';
import type { SessionOptions } from '../src/run/engine/messages';
import {
  gradientsOf,
  gradientTruthFor,
  readGradientTruth,
  relativeError
} from './gradient-truth';
import { zooModels } from './zoo';

const LEVELS: SessionOptions['graphOptimization'][] = [
  'disabled',
  'basic',
  'extended',
  'all'
];

/** All levels where gradients were recorded; the first and the last for the same weights in another form. */
function settingsFor(folder: string): SessionOptions[] {
  const own = readGradientTruth(folder) !== undefined;
  return LEVELS.filter((_, i) => own || i === 0 || i === 3).map(
    graphOptimization => ({ graphOptimization, threads: 2 })
  );
}

const models = zooModels().filter(
  folder => gradientTruthFor(folder) !== undefined
);

describe('gradients of a logit by the embeddings', () => {
  it.each(models.map(folder => [basename(folder), folder]))(
    '%s: PyTorch’s, at each optimisation level and with 2 threads',
    async (_, folder) => {
      const { ids, logit, gradient } = gradientTruthFor(folder)!;
      for (const settings of settingsFor(folder)) {
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
