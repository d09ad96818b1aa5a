/** The picture of a compression plan. */
import {
  compressionSpec,
  described,
  type VegaLiteSpec
} from '../../base/charts';
import { layerName } from '../../base/protocol';
import type { CompressionDocument } from './compression-document';
import { bytesText } from './plan-text';

export function planSpec(
  document: Omit<CompressionDocument, 'schema'>
): VegaLiteSpec {
  const { model, by, layers, effect, random, sizes } = document;
  const removed = layers.reduce(
    (sum, { prune, merge }) => sum + prune.length + merge.length,
    0
  );
  const all = layers.reduce((sum, { experts }) => sum + experts, 0);
  return described(
    compressionSpec({
      title: `${model}: compression by ${by}`,
      subtitle: [
        `${removed} of ${all} experts go` +
          (sizes
            ? `, ${bytesText(sizes.model.before.stored)} to ${bytesText(sizes.model.after.stored)} as stored`
            : '')
      ],
      experts: layers.flatMap(plan =>
        plan.rows.map(({ expert, decision, superExpert, tokens }) => ({
          layer: layerName(plan),
          expert,
          fate: superExpert && decision === 'keep' ? 'super expert' : decision,
          into: plan.merge.find(own => own.expert === expert)?.into ?? null,
          tokens
        }))
      ),
      effects:
        effect && random
          ? [
              { plan: 'this plan', kl: effect.all.kl },
              ...random.plans.map(({ kl }) => ({
                plan: 'at random' as const,
                kl
              }))
            ]
          : []
    })
  );
}
