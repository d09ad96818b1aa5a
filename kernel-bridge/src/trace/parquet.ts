/**
 * Traces as Parquet: one row a token and layer, zstd, readable by pandas and DuckDB as it is. What the file says of
 * itself, the model's cards among it, stands in its metadata under `moe-debugger`. docs/traces.md has the columns.
 */
import { join } from 'node:path';
import type * as DuckDB from '@duckdb/node-api';
import type { LayerCard } from '../model/description';
import {
  NO_TOKEN_ID,
  tokensOf,
  type RoutingLayer,
  type RoutingSample,
  type Token
} from '../protocol';
import { cannotWrite, writeAtomically } from './atomic-file';
import { routerCards } from './cards';
import { Database, quote, type DuckDBModule } from './database';
import { encodeMetadata, METADATA_KEY, type TraceMetadata } from './metadata';

const COLUMNS = `
  run VARCHAR, sample VARCHAR, domain VARCHAR, position INTEGER, token_id INTEGER, token_text VARCHAR,
  stack VARCHAR, layer INTEGER, module VARCHAR, experts INTEGER[], weights FLOAT[], logits FLOAT[]`;

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
  sample: string;
  domain: string | null;
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
  private _lastId = '';
  private readonly _total = { samples: 0, tokens: 0, slots: 0 };
  private _layersCaptured = Infinity;

  private constructor(
    private readonly _path: string,
    private readonly _options: ParquetOptions,
    private readonly _database: Database
  ) {
    this._types = columnTypes(_database.api);
  }

  /** @throws MoEDebuggerError 'environment' when the database cannot be made */
  static async create(
    path: string,
    options: ParquetOptions
  ): Promise<ParquetWriter> {
    let database: Database | undefined;
    try {
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
    this._lastId = sample.id;
    for (let n = 2; this._ids.has(this._lastId); n++) {
      this._lastId = `${sample.id} (${n})`;
    }
    this._ids.add(this._lastId);
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
        sample: this._lastId,
        domain: sample.domain ?? null,
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
            ? `(FROM read_parquet([${this._parts.map(quote).join(', ')}]))`
            : 'routing';
        await this._database.connection.run(
          `COPY ${source} TO ${quote(unfinished)} (FORMAT parquet, COMPRESSION zstd, KV_METADATA {${quote(METADATA_KEY)}: ${quote(metadata)}})`
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
    this._database.close();
  }

  private async _begin(): Promise<void> {
    const { connection } = this._database;
    await connection.run(`CREATE OR REPLACE TABLE routing (${COLUMNS})`);
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
  }

  /** Moves rows from those that wait to the database. */
  private _append(rows: number): void {
    const chunk = this._database.api.DuckDBDataChunk.create(this._types, rows);
    const columns = this._types.map((_, i) => chunk.getColumnVector(i));
    for (let row = 0; row < rows;) {
      const first = this._waiting[0];
      const end = Math.min(first.tokens.length, first.from + rows - row);
      for (; first.from < end; first.from++, row++) {
        this._row(first, first.from).forEach((value, column) =>
          columns[column].setItem(row, value)
        );
      }
      if (first.from === first.tokens.length) {
        this._waiting.shift();
      }
    }
    columns.forEach(column => column.flush());
    this._appender!.appendDataChunk(chunk);
    this._waitingRows -= rows;
  }

  private _row(
    { sample, domain, tokens, layer, hasWeights }: Waiting,
    t: number
  ): DuckDB.DuckDBValue[] {
    const { experts, topK, selected, weights, logits } = layer;
    const { position, id, text } = tokens[t];
    return [
      this._options.run,
      sample,
      domain,
      position,
      id === NO_TOKEN_ID ? null : id,
      text ?? null,
      layer.stack ?? null,
      layer.layer,
      layer.module ?? null,
      this._list(selected, t, topK),
      hasWeights ? this._list(weights, t, topK) : null,
      logits.length > 0 ? this._list(logits, t, experts) : null
    ];
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
    VARCHAR,
    VARCHAR,
    VARCHAR,
    INTEGER,
    INTEGER,
    VARCHAR,
    VARCHAR,
    INTEGER,
    VARCHAR,
    LIST(INTEGER),
    LIST(FLOAT),
    LIST(FLOAT)
  ];
}
