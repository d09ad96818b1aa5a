/** All router patterns, in the order in which they are tried. To add one, write its file and list it here. */
import { fusedMoE } from './fused-moe';
import { gshardTop2 } from './gshard';
import type { RouterPattern } from './pattern';
import { repeatedArgMax } from './repeated-argmax';
import { sparsemixer } from './sparsemixer';
import { switchTop1 } from './switch';
import { topK } from './topk';

export const patterns: readonly RouterPattern[] = [
  topK,
  fusedMoE,
  // Patterns of several picks come before switchTop1, which would match their first pick.
  sparsemixer,
  gshardTop2,
  repeatedArgMax,
  switchTop1
];
export type { RouterPattern } from './pattern';
