/** What PyTorch made of edited models: one edit each, on the first prompt. */
import { join } from 'node:path';
import type { Edits } from '../src';
import { readSafetensors } from './safetensors';
import { readTruth, zooModels } from './zoo';

export interface EditTruth {
  kind: 'mask' | 'drop' | 'force' | 'topK';
  /** Which of the model's routers, in graph order. */
  router: number;
  /** The expert, or k. */
  value: number;
  /** [tokens, vocabulary] */
  logits: Float32Array;
  /** What the router itself returned under a mask or another k: each [tokens, k]. Of a drop or a force, before it. */
  experts: Int32Array;
  weights: Float32Array;
}

const KINDS: Record<string, EditTruth['kind']> = {
  ablate: 'mask',
  zero: 'drop',
  force: 'force',
  k: 'topK'
};

/** Recorded edits of a model; empty where none were. */
export function readEditTruth(folder: string): EditTruth[] {
  const tensors = readSafetensors(join(folder, 'truth.safetensors'));
  return [...tensors.keys()].flatMap(name => {
    const parts = /^edit\/(\w+)\/l(\d+)\/(\d+)\/logits$/.exec(name);
    if (!parts) {
      return [];
    }
    const [, kind, router, value] = parts;
    const floats = (tensor: string): Float32Array =>
      tensors.get(name.replace(/logits$/, tensor))!.data as Float32Array;
    return [
      {
        kind: KINDS[kind],
        router: Number(router),
        value: Number(value),
        logits: floats('logits'),
        experts: tensors.get(name.replace(/logits$/, 'experts'))!
          .data as Int32Array,
        weights: floats('weights')
      }
    ];
  });
}

/** The folder whose edits were recorded for the model in another form: both have the same weights. */
export function editedTwin(folder: string): string | undefined {
  const { prompts } = readTruth(folder);
  return zooModels().find(other => {
    const [first] = readTruth(other).prompts;
    return (
      first.ids.join() === prompts[0].ids.join() &&
      largestDifference(first.logits, prompts[0].logits) < 1e-5 &&
      readEditTruth(other).length > 0
    );
  });
}

/** A recorded edit in the words of the API. */
export function asEdits(
  { kind, value }: EditTruth,
  place: { layer: number; stack?: 'encoder' | 'decoder' }
): Edits {
  switch (kind) {
    case 'mask':
    case 'drop':
      return { ablate: [{ ...place, expert: value, mode: kind }] };
    case 'force':
      return { force: [{ ...place, expert: value }] };
    case 'topK':
      return { topK: [{ ...place, k: value }] };
  }
}

export function largestDifference(
  a: ArrayLike<number>,
  b: ArrayLike<number>
): number {
  if (a.length !== b.length) {
    return Infinity;
  }
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    largest = difference <= largest ? largest : difference;
  }
  return largest;
}
