/** What was planted in the zoo's `defect-*` models, and the tokens that they were measured on. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PromptObject } from '../src';
import type { FindingKind } from '../src/analyses/findings';
import { readSafetensors } from './safetensors';

export interface Expected {
  kind: FindingKind;
  layer: number;
  /** Undefined: the layer as a whole. */
  experts?: number[];
}

export interface Planted {
  /** Findings that must be made. */
  defects: Expected[];
  /** Findings that follow from the defect, and may be made. */
  consequences: Expected[];
}

interface At {
  layer: number;
  expert: number;
}

interface Plan {
  collapsed?: At;
  dead_experts?: At[];
  duplicates?: { layer: number; experts: number[] }[];
  near_duplicates?: { layer: number; experts: number[] }[];
  imbalanced_layer?: number;
  overloaded?: number[];
  underused?: number[];
  nan?: At;
  specialist?: At;
  low_confidence_layer?: number;
}

export function readPlanted(folder: string): Planted {
  const { planted } = JSON.parse(
    readFileSync(join(folder, 'truth.json'), 'utf8').replace(/\bNaN\b/g, 'null')
  ) as { planted: Plan };
  const one = (kind: FindingKind, at: At | undefined): Expected[] =>
    at ? [{ kind, layer: at.layer, experts: [at.expert] }] : [];
  const layer = (kind: FindingKind, at: number | undefined): Expected[] =>
    at === undefined ? [] : [{ kind, layer: at }];
  return {
    defects: [
      ...one('router-collapse', planted.collapsed),
      ...(planted.dead_experts ?? []).flatMap(at => one('dead-expert', at)),
      ...[
        ...(planted.duplicates ?? []),
        ...(planted.near_duplicates ?? [])
      ].map(at => ({ kind: 'duplicate-experts' as const, ...pick(at) })),
      ...one('non-finite', planted.nan),
      ...one('specialist-expert', planted.specialist),
      ...layer('low-confidence', planted.low_confidence_layer),
      ...(planted.imbalanced_layer === undefined
        ? []
        : [
            {
              kind: 'load-imbalance' as const,
              layer: planted.imbalanced_layer,
              experts: planted.overloaded
            }
          ]),
      ...(planted.underused ?? []).flatMap(expert =>
        one('cold-expert', { layer: planted.imbalanced_layer!, expert })
      )
    ],
    consequences: layer('load-imbalance', planted.collapsed?.layer)
  };
}

const pick = ({ layer, experts }: { layer: number; experts: number[] }) => ({
  layer,
  experts
});

/** The 48 sequences of 48 ids that the zoo's figures are of. */
export function samplePrompts(folder: string): PromptObject[] {
  const { data, shape } = readSafetensors(
    join(folder, 'truth.safetensors')
  ).get('sample/ids')!;
  const [count, length] = shape;
  return Array.from({ length: count }, (_, i) => ({
    id: String(i),
    inputIds: [...data.subarray(i * length, (i + 1) * length)]
  }));
}
