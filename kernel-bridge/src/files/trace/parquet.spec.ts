import { existsSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { temporaryFolder } from '../../../test/graph-builder';
import { tinyMoE } from '../../../test/tiny-moe';
import { loadModel } from '../../api/load-model';
import { ParquetWriter } from './parquet';

const IDS = [3, 17, 4, 29, 11];

async function query(sql: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const rows = (await connection.runAndReadAll(sql)).getRowObjectsJson();
  connection.closeSync();
  instance.closeSync();
  return rows;
}

describe('a trace as Parquet', () => {
  it('has one row per token and layer, with what was captured', async () => {
    const model = await loadModel(tinyMoE().save());
    const trace = await model.trace({ inputIds: IDS, id: "it's", domain: 'x' });
    const path = join(temporaryFolder(), "a trace's.parquet");
    const writer = await ParquetWriter.create(path, {
      run: 'run',
      model: model.name,
      cards: model.layers
    });
    await writer.add(trace.samples[0]);
    await writer.finish();
    await model.dispose();

    const file = `'${path.replaceAll("'", "''")}'`;
    const rows = await query(`FROM ${file}`);
    expect(rows).toHaveLength(IDS.length * 2);
    const layer = trace.layer(1);
    expect(rows[IDS.length + 2]).toMatchObject({
      run: 'run',
      sample: "it's",
      domain: 'x',
      position: 2,
      token_id: IDS[2],
      token_text: null,
      stack: null,
      layer: 1,
      module: null,
      experts: Array.from(layer.selected.subarray(4, 6)),
      weights: Array.from(layer.weights.subarray(4, 6)),
      logits: Array.from(layer.logits.subarray(16, 24))
    });
    const [{ value }] = await query(
      `SELECT decode(value) AS value FROM parquet_kv_metadata(${file}) WHERE decode(key) = 'moe-debugger'`
    );
    expect(JSON.parse(String(value))).toEqual({
      schema: 'moe-debugger/parquet@1',
      run: 'run',
      model: model.name,
      layers: JSON.parse(JSON.stringify(model.layers)) as unknown,
      coverage: {
        moeLayers: 2,
        layersCaptured: 2,
        samples: 1,
        tokens: IDS.length,
        slots: 2 * 2 * IDS.length
      },
      content: {
        rowGroups: [
          {
            rows: 2 * IDS.length,
            sha256: expect.stringMatching(/^\w{64}$/) as string
          }
        ],
        metadata: expect.stringMatching(/^\w{64}$/) as string
      }
    });
    expect(
      await query(`SELECT DISTINCT compression FROM parquet_metadata(${file})`)
    ).toEqual([{ compression: 'ZSTD' }]);
  });

  it('leaves nothing behind if it is not finished or cannot be written', async () => {
    const folder = temporaryFolder();
    const options = { run: 'run', model: 'm', cards: [] };
    (await ParquetWriter.create(join(folder, 'x.parquet'), options)).close();
    expect(readdirSync(folder)).toEqual([]);

    const nowhere = join(folder, 'missing', 'x.parquet');
    await expect(ParquetWriter.create(nowhere, options)).rejects.toMatchObject({
      code: 'environment',
      where: nowhere
    });
    // Removed while rows were written.
    const gone = join(folder, 'gone');
    mkdirSync(gone);
    const late = join(gone, 'x.parquet');
    const writer = await ParquetWriter.create(late, options);
    rmdirSync(gone);
    await expect(writer.finish()).rejects.toMatchObject({
      code: 'environment',
      where: late
    });
    expect(existsSync(join(folder, 'missing'))).toBe(false);
  });
});
