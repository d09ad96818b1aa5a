/** What reads attention, loaded when somebody asks: programs that trace only never pay for it. */
import { createRequire } from 'node:module';
import type * as FindHeads from './find-heads';
import type * as ReadAttention from './read-attention';

const load = createRequire(__filename);

export const readAttention: typeof ReadAttention.readAttention = (
  parts,
  prompt,
  options
) =>
  (load('./read-attention') as typeof ReadAttention).readAttention(
    parts,
    prompt,
    options
  );

export const findHeads: typeof FindHeads.findHeads = (parts, options) =>
  (load('./find-heads') as typeof FindHeads).findHeads(parts, options);
