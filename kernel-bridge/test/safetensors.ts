/** Reads a safetensors file whole: how the recorded truth is stored. */
import { readFileSync } from 'node:fs';

export interface StoredTensor {
  shape: number[];
  data: Float32Array | Int32Array;
}

interface Header {
  [name: string]: {
    dtype: 'F32' | 'I32';
    shape: number[];
    data_offsets: [number, number];
  };
}

export function readSafetensors(path: string): Map<string, StoredTensor> {
  const file = readFileSync(path);
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + length)) as Header;
  const tensors = new Map<string, StoredTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') {
      continue;
    }
    const [start, end] = entry.data_offsets;
    // A copy of its own, since typed arrays must start at a multiple of four.
    const bytes = new Uint8Array(
      file.subarray(8 + length + start, 8 + length + end)
    );
    tensors.set(name, {
      shape: entry.shape,
      data:
        entry.dtype === 'F32'
          ? new Float32Array(bytes.buffer)
          : new Int32Array(bytes.buffer)
    });
  }
  return tensors;
}
