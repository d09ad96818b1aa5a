/**
 * Traces as Parquet: one row a token and layer, zstd, readable by pandas and DuckDB as it is. The model's cards stand
 * in the file's metadata under `moe-debugger`.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type * as DuckDB from '@duckdb/node-api';
import { MoEDebuggerError } from '../errors';
import type { LayerCard } from '../model/description';
import { tokensOf, type RoutingLayer, type RoutingSample } from '../protocol';

// 70 MB of native code that only those who write files need.
const load = createRequire(__filename);

export const PARQUET_SCHEMA = 'moe-debugger/parquet@1';

const COLUMNS = `
  run VARCHAR, sample VARCHAR, domain VARCHAR, position INTEGER, token_id INTEGER, token_text VARCHAR,
  stack VARCHAR, layer INTEGER, module VARCHAR, experts INTEGER[], weights FLOAT[], logits FLOAT[]`;

export interface ParquetOptions {
  /** Names the run that the rows are of. */
  run: string;
  /** The model's name. */
  model: string;
  cards: readonly LayerCard[];
}

/**
 * Writes traces one after the other. Rows wait in a database on disk, so memory stays the same however many there
 * are; the file appears whole when `finish` has returned, and not at all otherwise.
 */
export class ParquetWriter {
  private readonly _api = load('@duckdb/node-api') as typeof DuckDB;
  private readonly _scratch = mkdtempSync(join(tmpdir(), 'moe-debugger-'));
  private _instance?: DuckDB.DuckDBInstance;
  private _connection?: DuckDB.DuckDBConnection;
  private _appender?: DuckDB.DuckDBAppender;

  private constructor(
    private readonly _path: string,
    private readonly _options: ParquetOptions
  ) {}

  /** @throws MoEDebuggerError 'environment' when the database cannot be made */
  static async create(
    path: string,
    options: ParquetOptions
  ): Promise<ParquetWriter> {
    const writer = new ParquetWriter(path, options);
    try {
      await writer._open();
    } catch (error) {
      writer.close();
      throw writer._refusal(error);
    }
    return writer;
  }

  /** Adds all layers of a sample. */
  add(sample: RoutingSample): void {
    for (const layer of sample.layers) {
      const tokens = tokensOf(sample, layer);
      tokens.forEach((_, t) => this._row(sample, layer, t));
    }
    this._appender!.flushSync();
  }

  /** @throws MoEDebuggerError 'environment' when the file cannot be written */
  async finish(): Promise<void> {
    const unfinished = join(
      dirname(this._path),
      `.${basename(this._path)}.${randomUUID().slice(0, 8)}`
    );
    const { model, cards } = this._options;
    const metadata = JSON.stringify({
      schema: PARQUET_SCHEMA,
      model,
      layers: cards
    });
    try {
      this._appender!.closeSync();
      await this._connection!.run(
        `COPY routing TO ${quote(unfinished)} (FORMAT parquet, COMPRESSION zstd, KV_METADATA {'moe-debugger': ${quote(metadata)}})`
      );
      renameSync(unfinished, this._path);
    } catch (error) {
      rmSync(unfinished, { force: true });
      throw this._refusal(error);
    } finally {
      this.close();
    }
  }

  /** Lets go of everything that was not finished. Can be called twice. */
  close(): void {
    this._connection?.closeSync();
    this._instance?.closeSync();
    this._connection = undefined;
    this._instance = undefined;
    rmSync(this._scratch, { recursive: true, force: true });
  }

  private async _open(): Promise<void> {
    this._instance = await this._api.DuckDBInstance.create(
      join(this._scratch, 'rows.duckdb')
    );
    this._connection = await this._instance.connect();
    await this._connection.run(`CREATE TABLE routing (${COLUMNS})`);
    this._appender = await this._connection.createAppender('routing');
  }

  private _row(sample: RoutingSample, layer: RoutingLayer, t: number): void {
    const { INTEGER, FLOAT, LIST } = this._api;
    const row = this._appender!;
    const text = (value: string | undefined): void =>
      value === undefined ? row.appendNull() : row.appendVarchar(value);
    const token = tokensOf(sample, layer)[t];
    const { experts, topK, selected, weights, logits } = layer;
    text(this._options.run);
    text(sample.id);
    text(sample.domain);
    row.appendInteger(token.position);
    row.appendInteger(token.id);
    text(token.text);
    text(layer.stack);
    row.appendInteger(layer.layer);
    text(layer.module);
    row.appendList(
      Array.from(selected.subarray(t * topK, (t + 1) * topK)),
      LIST(INTEGER)
    );
    row.appendList(
      Array.from(weights.subarray(t * topK, (t + 1) * topK)),
      LIST(FLOAT)
    );
    if (logits.length === 0) {
      row.appendNull();
    } else {
      row.appendList(
        Array.from(logits.subarray(t * experts, (t + 1) * experts)),
        LIST(FLOAT)
      );
    }
    row.endRow();
  }

  private _refusal(error: unknown): MoEDebuggerError {
    return new MoEDebuggerError(
      'environment',
      `the file cannot be written: ${(error as Error).message}`,
      {
        where: this._path,
        hint: 'check that its folder exists and has room',
        cause: error
      }
    );
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
