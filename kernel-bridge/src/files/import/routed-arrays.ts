/** Arrays of expert ids as one, read in large blocks. */
import type { ArrayFile } from './array-file';
import type { ImportContext } from './importer';
import type { RoutedIds } from './routed-ids';

/** Elements per file read, so that most requests are served from memory. */
const BLOCK = 1 << 18;

/**
 * Concatenates arrays of ids [tokens, layers, topK]; ids may be stored as whole floats.
 * @throws MoEDebuggerError 'input' for another shape
 */
export function routedArrays(
  arrays: readonly ArrayFile[],
  sample: string,
  { facts }: ImportContext,
  tokenIds?: number[]
): RoutedIds {
  const [, layers, topK] = arrays[0].shape;
  for (const array of arrays) {
    const { shape, kind } = array;
    if (
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
  let first = 0;
  let values: Float64Array = new Float64Array();
  return (from, to) => {
    if (from < first || to > first + values.length) {
      first = from;
      values = array.read(
        from,
        Math.min(array.size, Math.max(to, from + BLOCK))
      );
    }
    return values.subarray(from - first, to - first);
  };
}
