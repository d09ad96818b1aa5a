/** All gradient rules, by operator. */
import {
  BOOLEAN_RESULT,
  INTEGER_RESULT
} from '../../../onnx/graph/element-types';
import type { GradientRule } from '../rule';
import { casts } from './casts';
import { clip, extremes, topK, where } from './choices';
import { convolution } from './convolution';
import { cumulativeSum } from './cumulative-sum';
import { einsum } from './einsum';
import { gather, gatherElements, gatherND } from './gathers';
import { gemm, matMul } from './mat-mul';
import { norms } from './norms';
import { padding } from './padding';
import { power } from './power';
import { division, multiplication } from './products';
import { reductions } from './reductions';
import { rotaryEmbedding } from './rotary-embedding';
import { scatters } from './scatters';
import { concat, expand, reshapes, split, tile, transpose } from './shapes';
import { slice } from './slice';
import { softmax } from './softmax';
import { sums } from './sums';
import { triangle } from './triangle';
import { unary } from './unary';

const RULES: readonly GradientRule[] = [
  casts,
  clip,
  concat,
  convolution,
  cumulativeSum,
  division,
  einsum,
  expand,
  extremes,
  gather,
  gatherElements,
  gatherND,
  gemm,
  matMul,
  multiplication,
  norms,
  padding,
  power,
  reductions,
  reshapes,
  rotaryEmbedding,
  scatters,
  slice,
  softmax,
  split,
  sums,
  tile,
  topK,
  transpose,
  triangle,
  unary,
  where
];

const byOperator = new Map(
  RULES.flatMap(rule =>
    rule.ops.map((op): [string, GradientRule] => [op, rule])
  )
);

/** Operators whose gradient is zero almost everywhere, or that read only shapes. */
const CONSTANT_ALMOST_EVERYWHERE: ReadonlySet<string> = new Set([
  ...BOOLEAN_RESULT,
  ...INTEGER_RESULT,
  'OneHot',
  'ConstantOfShape',
  'Floor',
  'Ceil',
  'Round',
  'Sign',
  'EyeLike'
]);

export function ruleOf(op: string): GradientRule | undefined {
  return byOperator.get(op);
}

export function stopsGradients(op: string): boolean {
  return CONSTANT_ALMOST_EVERYWHERE.has(op);
}
