/** Writes a safetensors file of matrices of float32. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './temporary';

export function writeSafetensors(
  matrices: Record<string, readonly (readonly number[])[]>
): string {
  const header: Record<string, unknown> = {};
  const values: number[] = [];
  for (const [name, rows] of Object.entries(matrices)) {
    const from = 4 * values.length;
    values.push(...rows.flat());
    header[name] = {
      dtype: 'F32',
      shape: [rows.length, rows[0].length],
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
