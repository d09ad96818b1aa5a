/**
 * Writes traces as Parquet: one row per token and layer, zstd, readable by pandas and DuckDB. The file's metadata,
 * including the model's cards, is stored under the key `moe-debugger`. docs/traces.md describes the columns.
 */
import { accessSync, constants } from 'node:fs';
import { dirname, join } from 'node:path';
import type * as DuckDB from '@duckdb/node-api';
import { MoEDebuggerError } from '../../base/errors';
import type { LayerCard } from '../../run/model/description';
import {
  NO_TOKEN_ID,
  tokensOf,
  type Integrity,
  type RoutingLayer,
  type RoutingSample,
  type Token
} from '../../base/protocol';
import { cannotWrite, targetOf, writeAtomically } from '../../base/atomic-file';
import { pauses } from '../../base/pause';
import { routerCards, routerKey } from './cards';
import { ContentHasher, ROWS_PER_GROUP } from './content-hash';
import { Database, quote, type DuckDBModule } from './database';
import { encodeMetadata, METADATA_KEY, type TraceMetadata } from './metadata';

/** Buffered rows: values shared by all rows of a sample or a router are indices into `NAMES`. */
const WAITING = `
  sample INTEGER, router INTEGER, position INTEGER, token_id INTEGER, token_text VARCHAR,
  experts INTEGER[], weights FLOAT[], logits FLOAT[]`;

/** The columns of the file. */
const columns = (run: string): string => `
  ${quote(run)} AS run, getvariable('sample')[sample] AS sample, getvariable('domain')[sample] AS domain,
  position, token_id, token_text,
  getvariable('stack')[router] AS stack, CAST(getvariable('layer')[router] AS INTEGER) AS layer,
  getvariable('module')[router] AS module, experts, weights, logits`;

/** Rows per DuckDB data chunk. */
const CHUNK_ROWS = 2048;
/** Approximate limit in bytes for buffered rows; more spills to the scratch folder. */
const MAX_HELD = 128 << 20;
const ROW_BYTES = 100;

export interface ParquetOptions extends Omit<
  TraceMetadata,
  'layers' | 'coverage' | 'unverified' | 'content'
> {
  /** Of the file that the rows were read from, if any: a new hash does not verify what an unverified one held. */
  integrity?: Integrity;
  /** Id of the rows' run. */
  run: string;
  /** The model's layers; can be given to `finish` if not known before. */
  cards?: readonly LayerCard[];
}

/** Buffered rows of one layer, up to a chunk. */
interface Waiting {
  sample: number;
  router: number;
  tokens: readonly Token[];
  layer: RoutingLayer;
  hasWeights: boolean;
  from: number;
}

/**
 * Writes traces one after the other in constant memory: rows that exceed it are buffered on disk. The file is complete
 * when `finish` has returned, and does not exist otherwise.
 */
export class ParquetWriter {
  private readonly _types: DuckDB.DuckDBType[];
  private _appender?: DuckDB.DuckDBAppender;
  private _held = 0;
  /** Files in the scratch folder, in row order. */
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
  private readonly _content = new ContentHasher();
  private readonly _total = { samples: 0, tokens: 0, slots: 0 };
  private _layersCaptured = Infinity;
  private readonly _pause = pauses();

  private constructor(
    private readonly _path: string,
    private readonly _options: ParquetOptions,
    private readonly _maxHeld: number,
    private readonly _database: Database
  ) {
    this._types = columnTypes(_database.api);
  }

  /**
   * @param maxHeld approximate limit in bytes for rows in memory. Default 128 MB.
   * @throws MoEDebuggerError 'environment' when the file's folder is not writable, or there is no scratch space
   */
  static async create(
    path: string,
    options: ParquetOptions,
    maxHeld: number = MAX_HELD
  ): Promise<ParquetWriter> {
    let database: Database | undefined;
    try {
      // Fail now rather than after hours of tracing.
      accessSync(dirname(targetOf(path).target), constants.W_OK);
      database = await Database.open();
      const writer = new ParquetWriter(path, options, maxHeld, database);
      await writer._begin();
      return writer;
    } catch (error) {
      database?.close();
      throw error instanceof MoEDebuggerError
        ? error
        : cannotWrite(path, error);
    }
  }

  /** Adds all layers of a sample. A repeated id gets a number, since ids identify the rows of a sample. */
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

  /** Adds further tokens of the last sample, so that a long one need not be in memory as a whole. */
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
        hasWeights: layer.weights.length > 0,
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
      await this._pause();
    }
    if (this._held > this._maxHeld) {
      await this._moveOut();
    }
  }

  /** @throws MoEDebuggerError 'environment' when the file cannot be written */
  async finish(late: Partial<TraceMetadata> = {}): Promise<void> {
    const { cards = [], integrity, ...known } = this._options;
    const layers = late.layers ?? [...cards];
    try {
      await writeAtomically(this._path, async unfinished => {
        if (this._parts.length > 0) {
          await this._moveOut('all');
        } else {
          this._flush();
        }
        const metadata = encodeMetadata(
          {
            ...known,
            ...late,
            layers,
            ...(integrity === 'unverified' ? { unverified: true } : {}),
            coverage: {
              moeLayers: routerCards(layers).length,
              layersCaptured: Number.isFinite(this._layersCaptured)
                ? this._layersCaptured
                : 0,
              ...this._total
            }
          },
          json => this._content.finish(json)
        );
        const source =
          this._parts.length > 0
            ? `read_parquet([${this._parts.map(quote).join(', ')}])`
            : 'routing';
        await this._tellNames();
        await this._database.connection.run(
          `COPY (SELECT ${columns(this._options.run)} FROM ${source}) TO ${quote(unfinished)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${ROWS_PER_GROUP}, KV_METADATA {${quote(METADATA_KEY)}: ${quote(metadata)}})`
        );
      });
    } finally {
      this.close();
    }
  }

  /** Discards everything that was not finished. Can be called repeatedly. */
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

  /**
   * Moves the rows so far to a file in the scratch folder.
   * @param which by default whole chunks only, since row groups keep their size where parts consist of whole chunks
   */
  private async _moveOut(which: 'chunks' | 'all' = 'chunks'): Promise<void> {
    const part = join(this._database.scratch, `${this._parts.length}.parquet`);
    try {
      if (which === 'all') {
        this._flush();
      } else {
        this._endAppending();
      }
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
    this._endAppending();
  }

  private _endAppending(): void {
    this._appender!.closeSync();
    this._appender = undefined;
  }

  /** Indices start at 1, as in DuckDB's lists. */
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

  /** Moves buffered rows to the database. */
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

  /** Writes `count` rows of a layer to a chunk, starting at `row`. */
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
      const { position, id, text = null } = tokens[from + i];
      const at = row + i;
      const tokenId = id === NO_TOKEN_ID ? null : id;
      const part = <T extends Int32Array | Float32Array>(
        values: T,
        width: number
      ): T => values.subarray((from + i) * width, (from + i + 1) * width) as T;
      const lists = {
        experts: part(layer.selected, layer.topK),
        weights: hasWeights ? part(layer.weights, layer.topK) : null,
        logits: hasLogits ? part(layer.logits, layer.experts) : null
      };
      samples.setItem(at, sample);
      routers.setItem(at, router);
      positions.setItem(at, position);
      ids.setItem(at, tokenId);
      texts.setItem(at, text);
      chosen.setItem(at, this._list(lists.experts));
      weights.setItem(at, this._list(lists.weights));
      logits.setItem(at, this._list(lists.logits));
      this._content.add({
        run: this._options.run,
        sample: this._names.sample[sample - 1],
        domain: this._names.domain[sample - 1],
        position,
        tokenId,
        text,
        stack: layer.stack ?? null,
        layer: layer.layer,
        module: layer.module ?? null,
        ...lists
      });
    }
  }

  private _list(
    values: Int32Array | Float32Array | null
  ): DuckDB.DuckDBListValue | null {
    // DuckDB reads lists only by index, so a view of the array suffices.
    return values === null
      ? null
      : new this._database.api.DuckDBListValue(
          values as unknown as readonly number[]
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
