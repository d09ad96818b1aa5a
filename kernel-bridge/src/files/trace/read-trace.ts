/** Reads traces from Parquet, ours and modified ones; docs/traces.md describes the columns. */
import { randomUUID } from 'node:crypto';
import { existsSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type * as DuckDB from '@duckdb/node-api';
import { MoEDebuggerError } from '../../base/errors';
import type { LayerCard, MoELayerCard } from '../../run/model/description';
import type { Integrity, RoutingSample } from '../../base/protocol';
import { routerCards } from './cards';
import { checkFooter } from './check-footer';
import { Database, quote } from './database';
import { decodeMetadata, METADATA_KEY, type TraceMetadata } from './metadata';
import { RoutingTrace } from '../../run/trace/routing-trace';
import { ContentCheck } from './content-hash';
import {
  cardsByRouter,
  SampleRows,
  Texts,
  Vocabulary,
  type RowRules
} from './sample-rows';
import {
  longestTexts,
  REQUIRED_COLUMNS,
  rowReader,
  selectRows,
  type Columns
} from './trace-rows';

export interface ReadOptions {
  /** Id of the run to read, if the file contains several. */
  run?: string;
  /** For a file that lost its metadata, for example in pandas. */
  cards?: readonly LayerCard[];
  /** Limit in bytes for routing in memory: of the whole trace for `readTrace`, of one sample for `samples`. Default 2 GB. */
  maxBytes?: number;
}

const MAX_BYTES = 2048 * 2 ** 20;
/** Bytes of one text. A token's are some, but a compressed page may hold millions, shared by all rows. */
const MAX_TEXT = 1 << 16;
/** Numbers that rows may have too many before they are read, when the row can be named. */
const LIST_SLACK = 1 << 20;
/** Part of `maxBytes` that different texts may take, since they take more in memory than in the file. */
const TEXT_SHARE = 8;
const DAMAGED =
  'the file is damaged: write the trace again. If its rows were changed on purpose, remove "content" from its metadata';

/**
 * Reads a whole trace. For large traces, `openTrace` yields one sample at a time.
 *
 * @throws MoEDebuggerError 'input' when the file is not a trace, is damaged, or takes more than `maxBytes`
 */
export async function readTrace(
  path: string,
  options: ReadOptions = {}
): Promise<RoutingTrace> {
  const file = await openTrace(path, options);
  try {
    const samples: RoutingSample[] = [];
    for await (const sample of file.samples({ together: true })) {
      samples.push(sample);
    }
    return file.trace(samples);
  } finally {
    file.close();
  }
}

/** Opens a trace to read sample by sample; the caller closes it. @throws MoEDebuggerError 'input' as `readTrace` */
export async function openTrace(
  path: string,
  options: ReadOptions = {}
): Promise<TraceFile> {
  if (!existsSync(path)) {
    throw new MoEDebuggerError('input', 'no such trace', {
      where: path,
      hint: 'give a Parquet file that "moe-debugger trace --out" or "import" wrote'
    });
  }
  let database: Database | undefined;
  try {
    checkFooter(path);
    database = await Database.open();
    return await TraceFile.open(path, options, database);
  } catch (error) {
    database?.close();
    throw unreadable(path, error);
  }
}

export class TraceFile {
  private constructor(
    readonly path: string,
    readonly metadata: TraceMetadata,
    readonly run: string,
    /** Cards of all layers in the file. */
    readonly cards: readonly LayerCard[],
    private readonly _rows: string,
    /** Rows of a sample are not adjacent in the file. */
    private readonly _apart: boolean,
    private readonly _maxBytes: number,
    private readonly _database: Database
  ) {}

  /** Use `openTrace`. */
  static async open(
    path: string,
    { run, cards, maxBytes = MAX_BYTES }: ReadOptions,
    database: Database
  ): Promise<TraceFile> {
    const source = `read_parquet(${quote(literalPath(path, database))}, file_row_number = true)`;
    const query = async (sql: string): Promise<DuckDB.JS[][]> =>
      (await database.connection.runAndReadAll(sql)).getRowsJS();

    const columns: Columns = new Map(
      (await query(`DESCRIBE FROM ${source}`)).map(([name, type]) => [
        String(name),
        String(type)
      ])
    );
    const missing = REQUIRED_COLUMNS.filter(name => !columns.has(name));
    if (missing.length > 0) {
      throw new MoEDebuggerError(
        'input',
        `the file has no column ${missing.join(', ')}`,
        {
          where: path,
          hint: 'give a trace: docs/traces.md describes its columns'
        }
      );
    }
    const [json] = await query(
      `SELECT decode(value) FROM parquet_kv_metadata(${quote(literalPath(path, database))}) WHERE decode(key) = ${quote(METADATA_KEY)}`
    );
    const metadata: TraceMetadata = json
      ? decodeMetadata(String(json[0]), path)
      : { model: 'unknown', layers: [] };
    const known = cards ?? metadata.layers;
    if (routerCards(known).length === 0) {
      throw new MoEDebuggerError(
        'input',
        'the file does not say how many experts a layer has',
        {
          where: path,
          hint: `keep its metadata, key "${METADATA_KEY}", or read it with { cards }`
        }
      );
    }
    await refuseLongTexts(path, columns, source, query);
    await refuseLongLists(
      path,
      routerCards(known),
      literalPath(path, database),
      query
    );
    const runOf = columns.has('run')
      ? `coalesce(CAST(run AS VARCHAR), '')`
      : `''`;
    const only = run === undefined ? '' : ` WHERE ${runOf} = ${quote(run)}`;
    const chosen = await theRun(path, run, runOf, source, query);
    // In a re-sorted file the rows of a sample may not be adjacent.
    const [[apart]] = await query(
      `SELECT count(*) FILTER (WHERE before IS DISTINCT FROM sample) > count(DISTINCT sample)
       FROM (SELECT coalesce(CAST(sample AS VARCHAR), '') AS sample, lag(sample) OVER () AS before FROM ${source}${only})`
    );
    const order = apart
      ? ' ORDER BY min(file_row_number) OVER (PARTITION BY sample), file_row_number'
      : '';
    return new TraceFile(
      path,
      metadata,
      chosen,
      known,
      `SELECT ${selectRows(columns)} FROM ${source}${only}${order}`,
      apart === true,
      maxBytes,
      database
    );
  }

  /**
   * Whether the file has a hash of its content, which is compared while its samples are read, and so had the file that it
   * was made of. Files of other programs and of earlier versions are unverified: their experts are compared with their
   * logits, where they have some.
   */
  get integrity(): Integrity {
    const { content, unverified } = this.metadata;
    return content && !unverified ? 'hashed' : 'unverified';
  }

  /** Samples in the order of the file. @throws MoEDebuggerError 'input' naming the damaged row */
  async *samples(
    options: { together?: boolean } = {}
  ): AsyncGenerator<RoutingSample, void, undefined> {
    const rules = this._rules();
    const { content } = this.metadata;
    if (content && this._apart) {
      throw this._damaged('the rows are in another order than was written');
    }
    const check = content && new ContentCheck(content.rowGroups);
    let rows: SampleRows | undefined;
    let texts = new Texts();
    let bytes = 0;
    try {
      for await (const chunk of this._database.stream(this._rows)) {
        const at = rowReader(chunk);
        for (let i = 0; i < chunk.rowCount; i++) {
          const row = at(i);
          if (check?.add(row) === false) {
            throw this._damaged(
              'the rows are not those that were written: their hash differs'
            );
          }
          const sample = row.sample ?? '';
          if (rows?.id !== sample) {
            if (rows) {
              yield rows.finish();
            }
            if (!options.together) {
              bytes = 0;
              texts = new Texts();
            }
            rows = new SampleRows(sample, row.domain, rules, texts);
          }
          bytes += rows.add(row);
          if (
            bytes > this._maxBytes ||
            texts.bytes > this._maxBytes / TEXT_SHARE
          ) {
            throw this._tooLarge();
          }
        }
      }
      if (check && !check.isComplete) {
        throw this._damaged('the file has fewer rows than were written');
      }
      if (!rows) {
        throw this._noRows();
      }
      yield rows.finish();
    } catch (error) {
      throw unreadable(this.path, error);
    }
  }

  /** A trace of some samples. @throws MoEDebuggerError 'input' when there are none */
  trace(samples: readonly RoutingSample[]): RoutingTrace {
    if (samples.length === 0) {
      throw this._noRows();
    }
    const { model, edits, created } = this.metadata;
    const date = new Date(created ?? NaN);
    return new RoutingTrace({
      id: this.run || randomUUID(),
      model,
      samples,
      moeLayers: routerCards(this.cards).length,
      cards: this.cards,
      integrity: this.integrity,
      // Files do not store the duration of the run.
      timing: { inference: NaN },
      edits,
      created: Number.isNaN(date.getTime()) ? undefined : date
    });
  }

  /** Can be called repeatedly. */
  close(): void {
    this._database.close();
  }

  /** Edits change how many experts a token selects, and whether its logits give them. */
  private _rules(): RowRules {
    const edits = this.metadata.edits ?? [];
    return {
      file: this.path,
      cards: cardsByRouter(routerCards(this.cards), this.path),
      otherTopK: edits.some(({ kind }) => kind === 'topK' || kind === 'force'),
      repeats: edits.some(({ mode }) => mode === 'swap'),
      ...(this.metadata.content
        ? {}
        : {
            unverified: {
              byLogits: edits.length === 0,
              vocabulary: new Vocabulary()
            }
          })
    };
  }

  private _damaged(what: string): MoEDebuggerError {
    return new MoEDebuggerError('input', what, {
      where: this.path,
      hint: DAMAGED
    });
  }

  private _noRows(): MoEDebuggerError {
    return new MoEDebuggerError('input', 'the trace has no rows', {
      where: this.path,
      hint: 'capture or import it again'
    });
  }

  private _tooLarge(): MoEDebuggerError {
    return new MoEDebuggerError(
      'input',
      `the routing takes more than ${Math.floor(this._maxBytes / 2 ** 20)} MB`,
      {
        where: this.path,
        hint: 'read it sample by sample with openTrace, or raise maxBytes'
      }
    );
  }
}

/** A path that DuckDB reads as a single file, whatever characters it contains. */
function literalPath(path: string, { scratch }: Database): string {
  const full = resolve(path);
  if (!/[*?[\]{}]/.test(full)) {
    return full;
  }
  const link = join(scratch, 'trace.parquet');
  if (!existsSync(link)) {
    symlinkSync(full, link);
  }
  return link;
}

/** Decoded texts may take any multiple of the file, so their lengths are read first. */
async function refuseLongTexts(
  path: string,
  columns: Columns,
  source: string,
  query: (sql: string) => Promise<DuckDB.JS[][]>
): Promise<void> {
  const longest = [...longestTexts(columns)];
  const [lengths = []] = await query(
    `SELECT ${longest.map(([, length]) => length).join(', ')} FROM ${source}`
  );
  longest.forEach(([column], i) => {
    if (Number(lengths[i]) > MAX_TEXT) {
      throw new MoEDebuggerError(
        'input',
        `the column ${column} has a text of ${String(lengths[i])} bytes; the limit is ${MAX_TEXT}`,
        {
          where: path,
          hint: 'no token or name is so long: write the trace again'
        }
      );
    }
  });
}

/** A list of a billion equal numbers takes some bytes in a file, and is decoded as a whole. */
async function refuseLongLists(
  path: string,
  cards: readonly MoELayerCard[],
  file: string,
  query: (sql: string) => Promise<DuckDB.JS[][]>
): Promise<void> {
  const widest = Math.max(...cards.map(({ experts }) => experts));
  const [found] = await query(
    `SELECT split_part(path_in_schema, ',', 1) AS name, num_values, row_group_num_rows
     FROM parquet_metadata(${quote(file)})
     WHERE name IN ('experts', 'weights', 'logits') AND num_values > row_group_num_rows * ${widest} + ${LIST_SLACK}
     LIMIT 1`
  );
  if (found) {
    const [name, values, rows] = found.map(String);
    throw new MoEDebuggerError(
      'input',
      `the column ${name} has ${values} numbers in ${rows} rows, but a layer has at most ${widest} experts`,
      { where: path, hint: 'write the trace again' }
    );
  }
}

/** The requested run, or the only one. */
async function theRun(
  path: string,
  run: string | undefined,
  runOf: string,
  source: string,
  query: (sql: string) => Promise<DuckDB.JS[][]>
): Promise<string> {
  const runs = (
    await query(
      `SELECT DISTINCT ${runOf} AS run FROM ${source} ORDER BY run LIMIT 20`
    )
  ).map(([name]) => String(name));
  if (run === undefined ? runs.length > 1 : !runs.includes(run)) {
    throw new MoEDebuggerError(
      'input',
      run === undefined
        ? `the file contains ${runs.length} runs`
        : `the file has no run ${run}`,
      { where: path, hint: `name one of ${runs.join(', ').slice(0, 200)}` }
    );
  }
  return run ?? runs[0] ?? '';
}

function unreadable(path: string, error: unknown): MoEDebuggerError {
  return error instanceof MoEDebuggerError
    ? error
    : new MoEDebuggerError(
        'input',
        `the file cannot be read as a trace: ${(error as Error).message.split('\n')[0].slice(0, 200)}`,
        {
          where: path,
          hint: 'give a Parquet file that "moe-debugger trace --out" or "import" wrote',
          cause: error
        }
      );
}
