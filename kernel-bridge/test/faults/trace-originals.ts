/** The sound traces that the fuzz test damages: with a hash and without, of several row groups, with texts. */
import { join } from 'node:path';
import { ParquetWriter } from '../../src/files/trace/parquet';
import { route } from '../../src/routing/route';
import { samplesOf } from '../made-samples';
import { card, sql } from '../parquet-rows';

export interface Original {
  path: string;
  /** Damage of its rows is told by a hash. */
  hashed: boolean;
}

const CARD = {
  ...card(3, { experts: 8, topK: 2 }),
  score: 'softmax' as const,
  scale: undefined,
  selectionBias: undefined
};

export async function originals(folder: string): Promise<Original[]> {
  const hashed = join(folder, 'hashed.parquet');
  const writer = await ParquetWriter.create(hashed, {
    run: 'run',
    model: 'model',
    created: '2026-01-01T00:00:00.000Z',
    cards: [CARD]
  });
  for (const sample of samplesOf(({ id }) => [id % 8, (id + 3) % 8], {
    samples: 12,
    length: 20,
    domains: ['code', 'prose'],
    text: id => `token ${id}`
  })) {
    // As the card says, since files without a hash are compared with it.
    const layers = sample.layers.map(layer => ({
      ...layer,
      ...route(layer.logits, layer.experts, layer.topK, CARD)
    }));
    await writer.add({ ...sample, layers });
  }
  await writer.finish();

  const metadata = JSON.stringify({
    schema: 'moe-debugger/parquet@1',
    model: 'model',
    layers: [CARD]
  });
  const other = async (name: string, options: string): Promise<Original> => {
    const path = join(folder, `${name}.parquet`);
    await sql(
      `COPY (FROM read_parquet('${hashed}')) TO '${path}' (FORMAT parquet, ${options}, KV_METADATA {'moe-debugger': '${metadata}'})`
    );
    return { path, hashed: false };
  };
  return [
    { path: hashed, hashed: true },
    // Flipped bits of pages without compression are decoded as other values.
    await other('plain', 'COMPRESSION uncompressed'),
    await other('groups', 'COMPRESSION snappy, ROW_GROUP_SIZE 2048')
  ];
}
