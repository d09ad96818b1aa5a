/** Writes a safetensors file of arrays of float32. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './temporary';

/** An array of any rank, as nested lists. */
export type Nested = readonly number[] | readonly Nested[];

export function writeSafetensors(arrays: Record<string, Nested>): string {
  const header: Record<string, unknown> = {};
  const values: number[] = [];
  for (const [name, array] of Object.entries(arrays)) {
    const from = 4 * values.length;
    values.push(...numbersOf(array));
    header[name] = {
      dtype: 'F32',
      shape: shapeOf(array),
      data_offsets: [from, 4 * values.length]
    };
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const path = join(temporaryFolder(), 'dump.safetensors');
  writeFileSync(
    path,
    Buffer.concat([length, text, Buffer.from(Float32Array.from(values).buffer)])
  );
  return path;
}

function numbersOf(array: Nested): number[] {
  return array.flatMap(item =>
    typeof item === 'number' ? [item] : numbersOf(item)
  );
}

function shapeOf(array: Nested): number[] {
  const [first] = array;
  return typeof first === 'object'
    ? [array.length, ...shapeOf(first)]
    : [array.length];
}
