/** Every router pattern, asked in this order. To add one, write its file and list it here. */
import type { RouterPattern } from './pattern';
import { topK } from './topk';

export const patterns: readonly RouterPattern[] = [topK];
export type { RouterPattern } from './pattern';
