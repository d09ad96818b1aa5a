/**
 * vLLM's `routed_experts`: `CompletionOutput.routed_experts` (vllm/outputs.py), an array of ids [tokens, layers, topK],
 * written by numpy.save or numpy.savez, or the responses of `vllm serve --enable-return-routed-experts`. Layers are all
 * blocks (routed_experts_capturer.py) or, in some versions, those with a router. In an .npz the arrays
 * `prompt_routed_experts` and `routed_experts` of a response are concatenated (docs.vllm.ai, "Routed Experts Replay"), and
 * `prompt_token_ids` and `token_ids` hold the tokens; other arrays are one sample each. The last generated token was never
 * run, and has no routing.
 */
import { basename } from 'node:path';
import type { ArrayFile } from './array-file';
import { ArrayStore, holdsArrays } from './array-store';
import { EarlierRequests } from './earlier-requests';
import {
  filesIn,
  refuse,
  type ImportContext,
  type ImportedPart,
  type TraceImporter
} from './importer';
import { routedArrays } from './routed-arrays';
import { routedParts } from './routed-ids';
import { readServed } from './served';
import { readTokenIds } from './token-ids';

const RESPONSE = ['prompt_routed_experts', 'routed_experts'];
const TOKENS = ['prompt_token_ids', 'token_ids'];
const FILES = /\.(np[yz]|jsonl?|ndjson)(\.gz)?$/i;

export const vllm: TraceImporter = {
  async *read(path, context) {
    const earlier = new EarlierRequests();
    for (const file of filesIn(path, FILES, '.npy, .npz or .json')) {
      if (!holdsArrays(file)) {
        yield* readServed(file, earlier, context);
        continue;
      }
      const store = await ArrayStore.open(file);
      try {
        yield* readFile(
          store,
          basename(file).replace(/\.np[yz](\.gz)?$/i, ''),
          context
        );
      } finally {
        store.close();
      }
    }
  }
};

async function* readFile(
  { arrays, path, leftOut }: ArrayStore,
  stem: string,
  context: ImportContext
): AsyncGenerator<ImportedPart, void, undefined> {
  const filled = arrays.filter(({ size }) => size > 0);
  const named = (names: readonly string[]): ArrayFile[] =>
    names.flatMap(name => filled.filter(array => array.name === name));
  const response = named(RESPONSE);
  const tokens = named(TOKENS);
  const others = filled.filter(
    array => !response.includes(array) && !tokens.includes(array)
  );
  if (response.length > 0) {
    const tokenIds = tokens.flatMap(array => [
      ...readTokenIds(array, 0, array.size)
    ]);
    yield* routedParts(
      routedArrays(response, stem, context, tokenIds),
      context
    );
  }
  // Arrays of other shapes may lie beside those of ids; alone they are a mistake.
  const samples = others.filter(({ shape }) => shape.length === 3);
  const isIds = response.length > 0 || samples.length > 0;
  const rest = isIds ? others.filter(array => !samples.includes(array)) : [];
  const left = [...leftOut, ...rest.map(({ name }) => name)];
  if (left.length > 0) {
    context.note(
      `arrays that are not ids of experts are left out: ${left.join(', ').slice(0, 200)}`
    );
  }
  const read = isIds ? samples : others;
  const plain = read.length === 1 && response.length === 0;
  for (const array of read) {
    const sample = plain ? stem : `${stem}/${array.name}`;
    yield* routedParts(routedArrays([array], sample, context), context);
  }
  if (arrays.length === 0) {
    refuse('the file has no arrays', path, '', 'save routed_experts in it');
  }
  const empty = arrays.filter(array => !filled.includes(array));
  if (empty.length > 0) {
    context.note(
      `empty arrays are left out: ${empty
        .map(({ name }) => name || stem)
        .join(', ')
        .slice(0, 200)}`
    );
  }
}
