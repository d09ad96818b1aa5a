/** Opens DuckDB to read or write one file. */
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as DuckDB from '@duckdb/node-api';
import { scratchFolder } from '../../base/scratch-folder';

// 70 MB of native code that only those who read or write files need.
const load = createRequire(__filename);

/** Memory limit; the rest spills to the scratch folder. */
const MEMORY = '512MB';

export type DuckDBModule = typeof DuckDB;

export class Database {
  private _closed = false;
  private _streams = 0;

  private constructor(
    readonly api: DuckDBModule,
    /** A temporary folder, removed by `close`. */
    readonly scratch: string,
    readonly connection: DuckDB.DuckDBConnection,
    private readonly _instance: DuckDB.DuckDBInstance
  ) {}

  static async open(): Promise<Database> {
    const scratch = scratchFolder();
    try {
      const api = load('@duckdb/node-api') as DuckDBModule;
      const instance = await api.DuckDBInstance.create(':memory:', {
        // A file that needs an extension must not cause a download.
        autoinstall_known_extensions: 'false',
        autoload_known_extensions: 'false',
        memory_limit: MEMORY,
        temp_directory: join(scratch, 'spill')
      });
      return new Database(api, scratch, await instance.connect(), instance);
    } catch (error) {
      rmSync(scratch, { recursive: true, force: true });
      throw error;
    }
  }

  /** Rows of a query, as they are computed. A query is stopped if the consumer stops reading. */
  async *stream(
    sql: string
  ): AsyncGenerator<DuckDB.DuckDBDataChunk, void, undefined> {
    this._streams++;
    let result: DuckDB.DuckDBResult | undefined;
    let more = true;
    const next = async (): Promise<DuckDB.DuckDBDataChunk | undefined> => {
      const chunk = await result!.fetchChunk();
      more = chunk !== null && chunk.rowCount > 0;
      return more ? chunk! : undefined;
    };
    try {
      result = await this.connection.stream(sql);
      for (let chunk = await next(); chunk; chunk = await next()) {
        yield chunk;
      }
    } catch (error) {
      more = false;
      throw error;
    } finally {
      // DuckDB crashes when it is closed while its threads still work on a query.
      while (more && result) {
        this.connection.interrupt();
        await next().catch(() => {
          more = false;
        });
      }
      this._streams--;
      if (this._closed) {
        this._release();
      }
    }
  }

  /** Can be called repeatedly. Waits for a query that is still being read. */
  close(): void {
    if (!this._closed) {
      this._closed = true;
      this._release();
    }
  }

  private _release(): void {
    if (this._streams > 0) {
      return;
    }
    this.connection.closeSync();
    this._instance.closeSync();
    rmSync(this.scratch, { recursive: true, force: true });
  }
}

/** Text as an SQL literal. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
