/** A compression plan as text. */
import { printableLine } from '../../base/printable';
import { counted, layerName } from '../../base/protocol';
import type { StoredBits } from '../../onnx/graph/parameter-storage';
import type { DomainEffect } from '../held-out/measure-effect';
import type {
  CompressionDocument,
  LayerPlan,
  PlannedMerge,
  PlanSizes,
  RandomPlans
} from './compression-document';

export function planText({
  model,
  by,
  calibration,
  layers,
  effect,
  random,
  sizes,
  warnings
}: Omit<CompressionDocument, 'schema'>): string {
  return [
    `${printableLine(model)}: compression by ${by}, from ${counted(calibration.prompts, 'prompt')}, ${counted(calibration.tokens, 'token')}`,
    ...layers.flatMap(layerText),
    ...(sizes ? sizesText(sizes) : []),
    ...(effect
      ? [
          'Effect on held-out prompts (nats per token):',
          ...effect.domains.map(own =>
            effectText(own.domain ?? 'no domain', own)
          ),
          effectText('all', effect.all),
          ...(random ? [randomText(random)] : [])
        ]
      : []),
    ...warnings.map(warning => `warning: ${warning}`)
  ].join('\n');
}

function layerText(plan: LayerPlan): string[] {
  const { experts, keep, prune, merge, superExperts, disagreements } = plan;
  return [
    `${layerName(plan)}: keep ${keep.length} of ${experts}` +
      (prune.length > 0 ? `; prune ${prune.join(', ')}` : '') +
      (merge.length > 0
        ? `; merge ${merge.map(({ expert, into }) => `${expert} into ${into}`).join(', ')}`
        : ''),
    ...(superExperts ?? []).map(expert => {
      const { peak } = plan.rows[expert];
      return `  expert ${expert} is a super expert, with outputs of up to ${peak!.toPrecision(3)}: ${keep.includes(expert) ? 'it is kept' : 'others are more extreme'}`;
    }),
    ...merge.map(mergeText),
    ...disagreements.map(
      ({ expert, removedBy, keptBy }) =>
        `  expert ${expert}: ${removedBy.join(', ')} would remove it, ${keptBy.join(', ')} keep it`
    )
  ];
}

function mergeText(merge: PlannedMerge): string {
  const { expert, into, difference, tokens, weights, jaccard } = merge;
  const figure = (value: number | null | undefined): string =>
    value === null || value === undefined ? 'unknown' : value.toFixed(3);
  return `  ${expert} into ${into}: difference of outputs ${figure(difference)} on ${counted(tokens, 'token')}, of weights ${figure(weights?.difference)}; Jaccard of their tokens ${figure(jaccard)}`;
}

function sizesText({ experts, model, storedAs }: PlanSizes): string[] {
  const change = (
    name: string,
    { before, after }: PlanSizes['experts']
  ): string =>
    `  ${name}: ${(['stored', 'fp32', 'fp16', 'int8', 'int4'] as const)
      .map(
        precision =>
          `${precision === 'stored' ? 'as stored' : precision} ${bytesText(before[precision])} -> ${bytesText(after[precision])}`
      )
      .join(', ')}`;
  return [
    `Size (experts are stored so: ${storedText(storedAs.experts)}; int8 and int4 are without scales):`,
    change('experts', experts),
    change('model', model)
  ];
}

function effectText(name: string, effect: DomainEffect): string {
  const { loss, lossWithPlan, change, changeHalfWidth, kl, tokens } = effect;
  const sure =
    changeHalfWidth === null ? '' : ` ± ${changeHalfWidth.toFixed(4)}`;
  return `  ${name}: loss ${loss.toFixed(4)} -> ${lossWithPlan.toFixed(4)} (${change >= 0 ? '+' : ''}${change.toFixed(4)}${sure}), KL ${kl.toFixed(4)}, ${tokens} tokens`;
}

function randomText({ plans, better }: RandomPlans): string {
  const range = (values: readonly number[]): string => {
    const ends = [Math.min(...values), Math.max(...values)].map(value =>
      value.toFixed(4)
    );
    return [...new Set(ends)].join(' to ');
  };
  const whole = plans.filter(
    ({ lossWithPlan, kl }) =>
      Number.isFinite(lossWithPlan) && Number.isFinite(kl)
  );
  const broken = plans.length - whole.length;
  return [
    `  ${counted(plans.length, 'random plan')} of the same size`,
    ...(whole.length > 0
      ? [
          `: loss ${range(whole.map(({ lossWithPlan }) => lossWithPlan))}, KL ${range(whole.map(({ kl }) => kl))}; ${better} of them ${better === 1 ? 'changes' : 'change'} the predictions less`
        ]
      : []),
    ...(broken > 0
      ? [`; with ${broken} of them, outputs are NaN or infinite`]
      : [])
  ].join('');
}

/** "9.6 MB" */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(
    units.length - 1,
    bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3)
  );
  const value = bytes / 1000 ** power;
  return `${power === 0 ? String(value) : value.toPrecision(3)} ${units[power]}`;
}

/** How parameters are stored, as text: "8-bit integers". */
export function storedText(stored: readonly StoredBits[]): string {
  return stored
    .map(
      ({ bits, quantized, parameters }) =>
        `${parameters.toLocaleString('en')} as ${bits}-bit ${quantized ? 'integers' : 'numbers'}`
    )
    .join(', ');
}
