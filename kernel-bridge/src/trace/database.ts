/** DuckDB, opened to read or write one file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as DuckDB from '@duckdb/node-api';

// 70 MB of native code that only those who read or write files need.
const load = createRequire(__filename);

/** What does not fit goes to the scratch folder. */
const MEMORY = '512MB';

export type DuckDBModule = typeof DuckDB;

export class Database {
  private _closed = false;

  private constructor(
    readonly api: DuckDBModule,
    /** A folder of its own, gone with `close`. */
    readonly scratch: string,
    readonly connection: DuckDB.DuckDBConnection,
    private readonly _instance: DuckDB.DuckDBInstance
  ) {}

  static async open(): Promise<Database> {
    const scratch = mkdtempSync(join(tmpdir(), 'moe-debugger-'));
    try {
      const api = load('@duckdb/node-api') as DuckDBModule;
      const instance = await api.DuckDBInstance.create(':memory:', {
        // A file that asks for an extension must not make us fetch one.
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

  /** Can be called twice. */
  close(): void {
    if (this._closed) {
      return;
    }
    this._closed = true;
    this.connection.closeSync();
    this._instance.closeSync();
    rmSync(this.scratch, { recursive: true, force: true });
  }
}

/** Text as an SQL literal. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
