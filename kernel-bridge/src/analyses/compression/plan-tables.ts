/** A compression plan as tables. */
import { layerName } from '../../base/protocol';
import type { ResultTable } from '../../show/result-table';
import type { DomainEffect, PlanEffect } from '../held-out/measure-effect';
import type {
  CompressionDocument,
  LayerPlan,
  PlanSizes,
  RandomPlans
} from './compression-document';
import { storedText } from './plan-text';

export function layerTable({
  model,
  by,
  layers,
  warnings
}: Pick<
  CompressionDocument,
  'model' | 'by' | 'layers' | 'warnings'
>): ResultTable {
  return {
    title: `${model}: compression by ${by}`,
    columns: ['layer', 'experts', 'keep', 'prune', 'merge', 'super experts'],
    rows: layers.map(plan => [
      layerName(plan),
      plan.experts,
      plan.keep.join(' '),
      plan.prune.join(' '),
      plan.merge.map(({ expert, into }) => `${expert} into ${into}`).join(', '),
      plan.superExperts ? plan.superExperts.join(' ') : 'unknown'
    ]),
    notes: warnings.map(warning => `warning: ${warning}`)
  };
}

/** What the plan does to predictions, by domain, and what random plans do. */
export function effectTable(
  { all, domains }: PlanEffect,
  random: RandomPlans | null
): ResultTable {
  const row = (
    name: string,
    own: DomainEffect
  ): ResultTable['rows'][number] => [
    name,
    own.tokens,
    own.loss,
    own.lossWithPlan,
    own.change,
    own.changeHalfWidth,
    own.kl
  ];
  return {
    title: 'Effect on held-out prompts (nats per token)',
    columns: [
      'domain',
      'tokens',
      'loss',
      'loss with the plan',
      'change',
      '± (95 %)',
      'KL'
    ],
    rows: [
      ...domains.map(own => row(own.domain ?? 'no domain', own)),
      row('all', all),
      ...(random?.plans ?? []).map(({ lossWithPlan, change, kl }, i) => [
        `all, random plan ${i + 1}`,
        all.tokens,
        all.loss,
        lossWithPlan,
        change,
        null,
        kl
      ])
    ]
  };
}

export function sizeTable({
  experts,
  model,
  storedAs
}: PlanSizes): ResultTable {
  return {
    title: 'Size in bytes',
    columns: [
      'part',
      'parameters',
      'as stored',
      'fp32',
      'fp16',
      'int8',
      'int4'
    ],
    rows: [
      ['experts, before', experts.before] as const,
      ['experts, after', experts.after] as const,
      ['model, before', model.before] as const,
      ['model, after', model.after] as const
    ].map(([part, own]) => [
      part,
      own.parameters,
      own.stored,
      own.fp32,
      own.fp16,
      own.int8,
      own.int4
    ]),
    notes: [
      `The file stores the experts' parameters so: ${storedText(storedAs.experts)}.`,
      'The bytes of int8 and int4 are without scales and zero points.'
    ]
  };
}

/** The pairs of experts that are most alike, merged or not. */
export function pairTable(layers: readonly LayerPlan[]): ResultTable {
  return {
    title: 'Pairs of experts',
    columns: [
      'layer',
      'experts',
      'difference of outputs',
      'of tokens',
      'difference of weights',
      'Jaccard of tokens',
      'merged'
    ],
    rows: layers.flatMap(plan =>
      plan.pairs.map(pair => [
        layerName(plan),
        pair.experts.join(' and '),
        pair.difference,
        pair.tokens,
        pair.weights?.difference ?? null,
        pair.jaccard,
        pair.reason === null ? 'yes' : `no: ${pair.reason}`
      ])
    )
  };
}
