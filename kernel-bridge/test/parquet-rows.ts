/** Parquet files as strangers write them: any rows, with our metadata or without. */
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { MoELayerCard } from '../src/run/model/description';
import type { Stack } from '../src/base/protocol';
import { temporaryFolder } from './temporary';

export interface Shape {
  experts: number;
  topK: number;
  stack?: Stack;
  module?: string;
}

/** A card with a value in most of its fields. */
export const card = (layer: number, shape: Shape): MoELayerCard => ({
  layer,
  ...(shape.stack ? { stack: shape.stack } : {}),
  ...(shape.module ? { module: shape.module } : {}),
  moe: true,
  experts: shape.experts,
  topK: shape.topK,
  score: 'sigmoid',
  scoreBeforeTopK: true,
  renormalized: false,
  scale: 2.5,
  selectionBias: Array.from({ length: shape.experts }, (_, e) => e / 8),
  sharedExperts: 1,
  router: {
    pattern: 'sigmoid > top-k',
    logits: 'router/logits',
    logitsAre: 'logits',
    selected: 'router/experts',
    weights: null
  }
});

export async function sql(statement: string): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(statement);
  connection.closeSync();
  instance.closeSync();
}

export async function query(
  statement: string
): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const rows = (await connection.runAndReadAll(statement)).getRowObjectsJS();
  connection.closeSync();
  instance.closeSync();
  return rows;
}

/** Layers 1 and 2, each two of four experts. */
export const CARDS = [
  card(1, { experts: 4, topK: 2 }),
  card(2, { experts: 4, topK: 2 })
];
export const METADATA = JSON.stringify({
  schema: 'moe-debugger/parquet@1',
  model: 'm',
  layers: CARDS
});

/** Writes rows of our columns as a stranger may. */
export async function rowsFile(
  rows: string[],
  { columns = 'sample, position, layer, experts', metadata = METADATA } = {}
): Promise<string> {
  const path = join(temporaryFolder(), 'rows.parquet');
  await sql(
    `COPY (SELECT * FROM (VALUES ${rows.map(row => `(${row})`).join(', ')}) AS t(${columns}))
     TO '${path}' (FORMAT parquet, KV_METADATA {'moe-debugger': '${metadata}'})`
  );
  return path;
}
