/** Every router pattern, asked in this order. To add one, write its file and list it here. */
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
  // Those with several picks before the one with a single pick, which their first pick resembles.
  sparsemixer,
  gshardTop2,
  repeatedArgMax,
  switchTop1
];
export type { RouterPattern } from './pattern';
