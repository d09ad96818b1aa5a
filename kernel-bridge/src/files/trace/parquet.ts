/**
 * Traces as Parquet: one row a token and layer, zstd, readable by pandas and DuckDB as it is. What the file says of
 * itself, the model's cards among it, stands in its metadata under `moe-debugger`. docs/traces.md has the columns.
 */
import { accessSync, constants } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type * as DuckDB from '@duckdb/node-api';
import type { LayerCard } from '../../run/model/description';
import {
  NO_TOKEN_ID,
  tokensOf,
  type RoutingLayer,
  type RoutingSample,
  type Token
} from '../../base/protocol';
import { cannotWrite, writeAtomically } from '../../base/atomic-file';
import { routerCards, routerKey } from './cards';
import { Database, quote, type DuckDBModule } from './database';
import { encodeMetadata, METADATA_KEY, type TraceMetadata } from './metadata';

/** Rows as they wait: what all rows of a sample or a router have alike is a number into `NAMES`. */
const WAITING = `
  sample INTEGER, router INTEGER, position INTEGER, token_id INTEGER, token_text VARCHAR,
  experts INTEGER[], weights FLOAT[], logits FLOAT[]`;

/** The columns of the file. */
const columns = (run: string): string => `
  ${quote(run)} AS run, getvariable('sample')[sample] AS sample, getvariable('domain')[sample] AS domain,
  position, token_id, token_text,
  getvariable('stack')[router] AS stack, CAST(getvariable('layer')[router] AS INTEGER) AS layer,
  getvariable('module')[router] AS module, experts, weights, logits`;

/** What a data chunk of DuckDB holds. */
const CHUNK_ROWS = 2048;
/** Numbers and text that wait in memory, roughly in bytes; more goes to the scratch folder. */
const MOST_HELD = 128 << 20;
const ROW_BYTES = 100;

export interface ParquetOptions extends Omit<
  TraceMetadata,
  'layers' | 'coverage'
> {
  /** Names the run that the rows are of. */
  run: string;
  /** The model's layers; those who know them last give them to `finish`. */
  cards?: readonly LayerCard[];
}

/** Rows of one layer that wait for their chunk to be full. */
interface Waiting {
  sample: number;
  router: number;
  tokens: readonly Token[];
  layer: RoutingLayer;
  hasWeights: boolean;
  from: number;
}

/**
 * Writes traces one after the other. What does not fit into memory waits on disk, so memory stays the same however much
 * there is; the file appears whole when `finish` has returned, and not at all otherwise.
 */
export class ParquetWriter {
  private readonly _types: DuckDB.DuckDBType[];
  private _appender?: DuckDB.DuckDBAppender;
  private _held = 0;
  /** Files in the scratch folder, in the order of their rows. */
  private readonly _parts: string[] = [];
  private readonly _waiting: Waiting[] = [];
  private _waitingRows = 0;
  private readonly _ids = new Set<string>();
  private readonly _names = {
    sample: [] as (string | null)[],
    domain: [] as (string | null)[],
    stack: [] as (string | null)[],
    layer: [] as (string | null)[],
    module: [] as (string | null)[]
  };
  private readonly _routers = new Map<string, number>();
  private readonly _total = { samples: 0, tokens: 0, slots: 0 };
  private _layersCaptured = Infinity;

  private constructor(
    private readonly _path: string,
    private readonly _options: ParquetOptions,
    private readonly _database: Database
  ) {
    this._types = columnTypes(_database.api);
  }

  /** @throws MoEDebuggerError 'environment' when the file's folder cannot be written to, or there is no room to work */
  static async create(
    path: string,
    options: ParquetOptions
  ): Promise<ParquetWriter> {
    let database: Database | undefined;
    try {
      // Known now, and not after hours of tracing.
      accessSync(dirname(resolve(path)), constants.W_OK);
      database = await Database.open();
      const writer = new ParquetWriter(path, options, database);
      await writer._begin();
      return writer;
    } catch (error) {
      database?.close();
      throw cannotWrite(path, error);
    }
  }

  /** Adds all layers of a sample. An id that an earlier sample has gets a number, since rows are told apart by it. */
  async add(sample: RoutingSample): Promise<void> {
    let id = sample.id;
    for (let n = 2; this._ids.has(id); n++) {
      id = `${sample.id} (${n})`;
    }
    this._ids.add(id);
    this._names.sample.push(id);
    this._names.domain.push(sample.domain ?? null);
    this._total.samples++;
    this._layersCaptured = Math.min(this._layersCaptured, sample.layers.length);
    await this.continue(sample);
  }

  /** Adds further tokens of the sample that was added last: long ones need not be in memory whole. */
  async continue(sample: RoutingSample): Promise<void> {
    this._total.tokens += sample.tokens.length;
    for (const layer of sample.layers) {
      const tokens = tokensOf(sample, layer);
      this._total.slots += layer.selected.length;
      this._waiting.push({
        sample: this._names.sample.length,
        router: this._routerOf(layer),
        tokens,
        layer,
        hasWeights: layer.weights.some(weight => !Number.isNaN(weight)),
        from: 0
      });
      this._waitingRows += tokens.length;
      this._held +=
        layer.selected.byteLength +
        layer.weights.byteLength +
        layer.logits.byteLength +
        tokens.length * ROW_BYTES;
    }
    while (this._waitingRows >= CHUNK_ROWS) {
      this._append(CHUNK_ROWS);
    }
    if (this._held > MOST_HELD) {
      await this._moveOut();
    }
  }

  /** @throws MoEDebuggerError 'environment' when the file cannot be written */
  async finish(late: Partial<TraceMetadata> = {}): Promise<void> {
    const { cards = [], ...known } = this._options;
    const layers = late.layers ?? [...cards];
    const metadata = encodeMetadata({
      ...known,
      ...late,
      layers,
      coverage: {
        moeLayers: routerCards(layers).length,
        layersCaptured: Number.isFinite(this._layersCaptured)
          ? this._layersCaptured
          : 0,
        ...this._total
      }
    });
    try {
      await writeAtomically(this._path, async unfinished => {
        if (this._parts.length > 0) {
          await this._moveOut();
        } else {
          this._flush();
        }
        const source =
          this._parts.length > 0
            ? `read_parquet([${this._parts.map(quote).join(', ')}])`
            : 'routing';
        await this._tellNames();
        await this._database.connection.run(
          `COPY (SELECT ${columns(this._options.run)} FROM ${source}) TO ${quote(unfinished)} (FORMAT parquet, COMPRESSION zstd, KV_METADATA {${quote(METADATA_KEY)}: ${quote(metadata)}})`
        );
      });
    } finally {
      this.close();
    }
  }

  /** Lets go of everything that was not finished. Can be called twice. */
  close(): void {
    this._waiting.length = 0;
    this._waitingRows = 0;
    if (this._appender) {
      // DuckDB crashes when an appender outlives its connection.
      this._appender.clear();
      this._appender.closeSync();
      this._appender = undefined;
    }
    this._database.close();
  }

  private async _begin(): Promise<void> {
    const { connection } = this._database;
    await connection.run(`CREATE OR REPLACE TABLE routing (${WAITING})`);
    this._appender = await connection.createAppender('routing');
    this._held = 0;
  }

  /** Makes room: the rows so far go to a file of their own. */
  private async _moveOut(): Promise<void> {
    const part = join(this._database.scratch, `${this._parts.length}.parquet`);
    try {
      this._flush();
      await this._database.connection.run(
        `COPY routing TO ${quote(part)} (FORMAT parquet)`
      );
      this._parts.push(part);
      await this._begin();
    } catch (error) {
      throw cannotWrite(this._path, error);
    }
  }

  private _flush(): void {
    while (this._waitingRows > 0) {
      this._append(Math.min(this._waitingRows, CHUNK_ROWS));
    }
    this._appender!.closeSync();
    this._appender = undefined;
  }

  /** Numbers count from 1, as DuckDB's lists do. */
  private _routerOf(layer: RoutingLayer): number {
    const key = routerKey(layer);
    let number = this._routers.get(key);
    if (number === undefined) {
      this._names.stack.push(layer.stack ?? null);
      this._names.layer.push(String(layer.layer));
      number = this._names.module.push(layer.module ?? null);
      this._routers.set(key, number);
    }
    return number;
  }

  private async _tellNames(): Promise<void> {
    const { connection } = this._database;
    for (const [name, values] of Object.entries(this._names)) {
      await connection.run(`CREATE OR REPLACE TABLE names (value VARCHAR)`);
      const appender = await connection.createAppender('names');
      for (const value of values) {
        appender.appendValue(value, this._database.api.VARCHAR);
        appender.endRow();
      }
      appender.closeSync();
      await connection.run(
        `SET VARIABLE ${name} = (SELECT list(value ORDER BY rowid) FROM names)`
      );
    }
  }

  /** Moves rows from those that wait to the database. */
  private _append(rows: number): void {
    const chunk = this._database.api.DuckDBDataChunk.create(this._types, rows);
    const vectors = this._types.map((_, i) => chunk.getColumnVector(i));
    for (let row = 0; row < rows;) {
      const first = this._waiting[0];
      const count = Math.min(first.tokens.length - first.from, rows - row);
      this._fill(vectors, row, first, count);
      first.from += count;
      row += count;
      if (first.from === first.tokens.length) {
        this._waiting.shift();
      }
    }
    vectors.forEach(vector => vector.flush());
    this._appender!.appendDataChunk(chunk);
    this._waitingRows -= rows;
  }

  /** Writes `count` rows of a layer into a chunk, from `row` on. */
  private _fill(
    vectors: readonly DuckDB.DuckDBVector[],
    row: number,
    { sample, router, tokens, layer, hasWeights, from }: Waiting,
    count: number
  ): void {
    const [samples, routers, positions, ids, texts, chosen, weights, logits] =
      vectors;
    const hasLogits = layer.logits.length > 0;
    for (let i = 0; i < count; i++) {
      const { position, id, text } = tokens[from + i];
      const at = row + i;
      samples.setItem(at, sample);
      routers.setItem(at, router);
      positions.setItem(at, position);
      ids.setItem(at, id === NO_TOKEN_ID ? null : id);
      texts.setItem(at, text ?? null);
      chosen.setItem(at, this._list(layer.selected, from + i, layer.topK));
      weights.setItem(
        at,
        hasWeights ? this._list(layer.weights, from + i, layer.topK) : null
      );
      logits.setItem(
        at,
        hasLogits ? this._list(layer.logits, from + i, layer.experts) : null
      );
    }
  }

  private _list(
    values: Int32Array | Float32Array,
    row: number,
    width: number
  ): DuckDB.DuckDBListValue {
    // DuckDB reads lists by index only, so the numbers need no array of their own.
    const items = values.subarray(row * width, (row + 1) * width);
    return new this._database.api.DuckDBListValue(
      items as unknown as readonly number[]
    );
  }
}

function columnTypes(api: DuckDBModule): DuckDB.DuckDBType[] {
  const { VARCHAR, INTEGER, FLOAT, LIST } = api;
  return [
    INTEGER,
    INTEGER,
    INTEGER,
    INTEGER,
    VARCHAR,
    LIST(INTEGER),
    LIST(FLOAT),
    LIST(FLOAT)
  ];
}
