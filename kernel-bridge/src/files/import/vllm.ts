/**
 * vLLM's `routed_experts`: `CompletionOutput.routed_experts` (vllm/outputs.py), an array of ids [tokens, layers, topK],
 * written by numpy.save or numpy.savez. Layers are all blocks (routed_experts_capturer.py) or, in some versions, those
 * with a router. In an .npz the arrays `prompt_routed_experts` and `routed_experts` of a response are concatenated
 * (docs.vllm.ai, "Routed Experts Replay"), and `prompt_token_ids` and `token_ids` hold the tokens; other arrays are one
 * sample each. The last generated token was never run, and has no routing.
 */
import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ArrayFile } from './array-file';
import { ArrayStore } from './array-store';
import {
  refuse,
  type ImportContext,
  type ImportedPart,
  type TraceImporter
} from './importer';
import { routedParts, type RoutedIds } from './routed-ids';

const RESPONSE = ['prompt_routed_experts', 'routed_experts'];
const TOKENS = ['prompt_token_ids', 'token_ids'];
/** Elements per file read, so that most requests are served from memory. */
const BLOCK = 1 << 18;

export const vllm: TraceImporter = {
  async *read(path, context) {
    for (const file of filesIn(path)) {
      const store = await ArrayStore.open(file);
      try {
        yield* readFile(
          store,
          basename(file).replace(/\.np[yz]$/, ''),
          context
        );
      } finally {
        store.close();
      }
    }
  }
};

function* readFile(
  { arrays, path }: ArrayStore,
  stem: string,
  context: ImportContext
): Generator<ImportedPart, void, undefined> {
  const named = (names: readonly string[]): ArrayFile[] =>
    names.flatMap(name => arrays.filter(array => array.name === name));
  const response = named(RESPONSE);
  const tokens = named(TOKENS);
  const others = arrays.filter(
    array => !response.includes(array) && !tokens.includes(array)
  );
  if (response.length > 0) {
    const tokenIds = tokens.flatMap(array => [...array.read(0, array.size)]);
    yield* routedParts(idsOf(response, stem, context, tokenIds), context);
  }
  const plain = others.length === 1 && response.length === 0;
  for (const array of others) {
    yield* routedParts(
      idsOf([array], plain ? stem : `${stem}/${array.name}`, context),
      context
    );
  }
  if (arrays.length === 0) {
    refuse('the file has no arrays', path, '', 'save routed_experts in it');
  }
}

/** Concatenates arrays of ids. */
function idsOf(
  arrays: readonly ArrayFile[],
  sample: string,
  { facts }: ImportContext,
  tokenIds?: number[]
): RoutedIds {
  const [, layers, topK] = arrays[0].shape;
  for (const array of arrays) {
    const { shape, kind } = array;
    if (
      kind !== 'int' ||
      shape.length !== 3 ||
      shape[1] !== layers ||
      shape[2] !== topK ||
      layers * topK === 0
    ) {
      array.refuse(
        `the array [${shape.join(', ')}] of ${kind === 'int' ? 'integers' : 'floats'} is not [tokens, layers, top-k] ids`,
        '',
        'give routed_experts of a completion; import router logits as hf'
      );
    }
    if (facts.topK !== undefined && facts.topK !== topK) {
      array.refuse(
        `the array has ${topK} experts per token, but the model selects ${facts.topK}`,
        '',
        'check --top-k or config.json'
      );
    }
  }
  const blocks = arrays.map(readInBlocks);
  const size = arrays.reduce((sum, array) => sum + array.size, 0);
  return {
    sample,
    tokens: size / (layers * topK),
    layers,
    topK,
    ...(tokenIds && tokenIds.length > 0 ? { tokenIds } : {}),
    read(from, to) {
      const first = arrays[0].size;
      if (to <= first) {
        return blocks[0](from, to);
      }
      if (from >= first) {
        return blocks[1](from - first, to - first);
      }
      return Float64Array.of(
        ...blocks[0](from, first),
        ...blocks[1](0, to - first)
      );
    },
    refuse: (what, index, hint) => arrays[0].refuse(what, index, hint)
  };
}

/** Rows are requested one after the other; the file is read in large blocks. */
function readInBlocks(
  array: ArrayFile
): (from: number, to: number) => Float64Array {
  let start = 0;
  let values: Float64Array = new Float64Array();
  return (from, to) => {
    if (from < start || to > start + values.length) {
      start = from;
      values = array.read(
        from,
        Math.min(array.size, Math.max(to, from + BLOCK))
      );
    }
    return values.subarray(from - start, to - start);
  };
}

function filesIn(path: string): string[] {
  if (!statSync(path).isDirectory()) {
    return [path];
  }
  const files = readdirSync(path)
    .filter(name => /\.np[yz]$/.test(name))
    .sort(new Intl.Collator('en', { numeric: true }).compare)
    .map(name => join(path, name));
  return files.length > 0
    ? files
    : refuse('the folder has no .npy or .npz files', path, '', 'give a file');
}
