/** Integrated gradients beside those that were recorded in PyTorch by the same rules. */
import { basename } from 'node:path';
import { loadModel } from '../src';
import { readGradientTruth, relativeError } from './gradient-truth';
import { smallModels, zooModels } from './zoo';

const [small, ...others] = zooModels().filter(
  folder => readGradientTruth(folder) !== undefined
);
/** Of the small models one: 256 gradients each, and the gradients of all are compared elsewhere. */
const models = [
  small,
  ...others.filter(folder => !smallModels().includes(folder))
];

describe('integrated gradients', () => {
  it.each(models.map(folder => [basename(folder), folder]))(
    '%s: of a logit and of a routing decision, by both rules',
    async (_, folder) => {
      const { ids, logit, router, integrated } = readGradientTruth(folder)!;
      const model = await loadModel(folder);
      const routers = model.layers.filter(({ moe }) => moe);
      for (const { target, rule, values, gap } of integrated) {
        const found = await model.attribute(ids, {
          ...(target === 'logit'
            ? {
                target: { kind: 'logit', token: logit.index },
                position: logit.position
              }
            : {
                target: {
                  kind: 'router',
                  layer: routers[router.layer].layer,
                  expert: router.expert
                },
                position: router.position
              }),
          rule,
          steps: 64
        });
        const { value } = target === 'logit' ? logit : router;
        expect(found.value).toBeCloseTo(value, 4);
        expect(relativeError(found.embeddings, values)).toBeLessThan(1e-5);
        expect(found.gap).toBeCloseTo(gap, 3);
      }
      await model.dispose();
    }
  );
});
