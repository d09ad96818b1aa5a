import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CARDS, query, rowsFile, sql } from '../../test/parquet-rows';
import { temporaryFolder } from '../../test/temporary';
import type { RoutingSample } from '../base/protocol';
import './trace-looks';
import { exportTrace } from './export-trace';
import { ParquetWriter } from '../files/trace/parquet';
import { readTrace } from '../files/trace/read-trace';

const TEXT = 'a,"b"\nc';

function sample(id: string, expert: number): RoutingSample {
  return {
    id,
    domain: 'code',
    tokens: [
      { position: 0, id: 7, text: TEXT },
      { position: 1, id: -1 }
    ],
    layers: CARDS.map(({ layer, experts, topK }) => ({
      layer,
      experts,
      topK,
      score: 'sigmoid' as const,
      logitsAre: 'logits' as const,
      logits: new Float32Array(),
      selected: Int32Array.of(expert, 3, 1, -1),
      weights: Float32Array.of(0.5, 0.25, NaN, 1)
    }))
  };
}

async function traceFile(): Promise<string> {
  const path = join(temporaryFolder(), 'trace.parquet');
  const writer = await ParquetWriter.create(path, {
    run: 'r',
    model: 'm',
    cards: CARDS,
    edits: [{ kind: 'topK', layer: 1, k: 2 }]
  });
  await writer.add(sample('x', 0));
  await writer.add(sample('y', 2));
  await writer.finish();
  return path;
}

const out = (name: string): string => join(temporaryFolder(), name);

describe('exportTrace', () => {
  it('writes the document of a trace as JSON', async () => {
    const path = await traceFile();
    const json = out('trace.json');
    expect(await exportTrace(path, { format: 'json', out: json })).toEqual({
      samples: 2,
      tokens: 4
    });
    const trace = await readTrace(path);
    expect(JSON.parse(readFileSync(json, 'utf8'))).toEqual(
      JSON.parse(JSON.stringify(trace))
    );
  });

  it('writes one row per rank as CSV', async () => {
    const csv = out('trace.csv');
    await exportTrace(await traceFile(), { format: 'csv', out: csv });
    const text = readFileSync(csv, 'utf8');
    expect(text).toContain(
      'sample,domain,position,token_id,token_text,stack,layer,module,rank,expert,weight\n' +
        'x,code,0,7,"a,""b""\nc",,1,,0,0,0.5\n' +
        'x,code,0,7,"a,""b""\nc",,1,,1,3,0.25\n' +
        'x,code,1,,,,1,,0,1,NaN\n' +
        'x,code,1,,,,1,,1,-1,1\n'
    );
  });

  it('writes the same trace as Parquet, its rows in order', async () => {
    const path = await rowsFile([
      `'a', 1, 1, [2, 1]`,
      `'b', 0, 1, [3, 0]`,
      `'a', 0, 1, [0, 3]`
    ]);
    const copy = out('copy.parquet');
    await exportTrace(path, { format: 'parquet', out: copy });
    const [before, after] = [await readTrace(path), await readTrace(copy)];
    expect(after.samples).toEqual(before.samples);
    expect(after.cards).toEqual(before.cards);
    const edited = out('edited.parquet');
    await exportTrace(await traceFile(), { format: 'parquet', out: edited });
    expect(await readTrace(edited)).toMatchObject({
      id: 'r',
      edits: [{ kind: 'topK', layer: 1, k: 2 }]
    });
  });

  it('writes a report with counts only', async () => {
    const html = out('report.html');
    await exportTrace(await traceFile(), {
      format: 'html',
      out: html,
      privacy: 'counts'
    });
    expect(readFileSync(html, 'utf8')).toMatch(
      /^<!DOCTYPE html>[^]*topK layer 1/
    );
  });

  it('keeps a source without a hash unverified, however often it is written again', async () => {
    const source = await rowsFile([`'a', 0, 1, [0, 3]`, `'a', 1, 1, [2, 1]`]);
    const [once, twice, saved] = ['once', 'twice', 'saved'].map(name =>
      out(`${name}.parquet`)
    );
    await exportTrace(source, { format: 'parquet', out: once });
    await exportTrace(once, { format: 'parquet', out: twice });
    await (await readTrace(twice)).save(saved);
    for (const path of [source, once, twice, saved]) {
      const trace = await readTrace(path);
      expect([path, trace.integrity]).toEqual([path, 'unverified']);
      expect(trace.toJSON().integrity).toBe('unverified');
      const json = out('trace.json');
      await exportTrace(path, { format: 'json', out: json });
      expect(JSON.parse(readFileSync(json, 'utf8'))).toEqual(
        JSON.parse(JSON.stringify(trace))
      );
    }
    // Its own hash is compared all the same.
    const [{ value }] = await query(
      `SELECT decode(value) AS value FROM parquet_kv_metadata('${saved}')`
    );
    const damaged = out('damaged.parquet');
    await sql(
      `COPY (SELECT * REPLACE (list_reverse(experts) AS experts) FROM read_parquet('${saved}')) TO '${damaged}' (FORMAT parquet, KV_METADATA {'moe-debugger': '${String(value)}'})`
    );
    await expect(readTrace(damaged)).rejects.toMatchObject({ code: 'input' });

    const verified = await traceFile();
    const copy = out('verified.parquet');
    await exportTrace(verified, { format: 'parquet', out: copy });
    const trace = await readTrace(copy);
    expect(trace.integrity).toBe('hashed');
    expect(trace.toJSON()).not.toHaveProperty('integrity');
  });

  it.each(['json', 'csv', 'parquet', 'html'] as const)(
    'leaves no %s behind if the trace is damaged',
    async format => {
      const folder = temporaryFolder();
      const path = await rowsFile([`'a', 0, 1, [0, 1]`, `'b', 0, 1, [0, 9]`]);
      await expect(
        exportTrace(path, { format, out: join(folder, 'x') })
      ).rejects.toMatchObject({ code: 'input' });
      expect(readdirSync(folder)).toEqual([]);
      const nowhere = join(folder, 'missing', 'x');
      await expect(
        exportTrace(await traceFile(), {
          format,
          out: nowhere,
          privacy: 'counts'
        })
      ).rejects.toMatchObject({ code: 'environment', where: nowhere });
    }
  );
});
