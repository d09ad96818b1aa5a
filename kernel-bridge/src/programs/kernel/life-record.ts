/**
 * A file beside the connection file that exists while a kernel runs. A kernel that was killed or has crashed cannot say
 * so; the next one, which Jupyter starts with the same connection file, finds the record and can.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { PreviousEnd } from '../../base/protocol';

const RECORD = '.moe-kernel.json';
/** Node writes it when V8 runs out of memory. */
const REPORT = '.moe-report.json';

interface Life {
  /** The code of `process.exit`, if a cell has called it. */
  exitCode?: number;
}

export class LifeRecord {
  /** How the kernel before this one ended; undefined if there was none, or if it was shut down. */
  readonly previousEnd: PreviousEnd | undefined;
  /** The sockets' thread removes it when the kernel is shut down, also while a cell blocks the main thread. */
  readonly file: string;
  private readonly _report: string;

  /** @param connectionFile of this kernel, and of the one before it after a restart */
  constructor(connectionFile: string) {
    const stem = connectionFile.replace(/\.json$/, '');
    this.file = `${stem}${RECORD}`;
    this._report = `${stem}${REPORT}`;
    this.previousEnd = this._readPrevious();
    rmSync(this._report, { force: true });
    removeOrphans(dirname(connectionFile));
    this._write({});
    Object.assign(process.report, {
      reportOnFatalError: true,
      compact: true,
      excludeNetwork: true,
      directory: dirname(this._report),
      filename: basename(this._report)
    });
  }

  /** A cell ends the process. */
  exits(exitCode: number): void {
    this._write({ exitCode });
  }

  private _write(life: Life): void {
    try {
      // Exit codes say nothing about the notebook; a record holds nothing else.
      writeFileSync(this.file, JSON.stringify(life), { mode: 0o600 });
    } catch {
      // A folder that cannot be written costs this information only.
    }
  }

  private _readPrevious(): PreviousEnd | undefined {
    const life = readJson(this.file) as Life | undefined;
    if (!life) {
      return undefined;
    }
    if (typeof life.exitCode === 'number') {
      return { cause: 'exit', code: life.exitCode };
    }
    const report = readJson(this._report) as
      { header?: { event?: unknown } } | undefined;
    const event = report?.header?.event;
    if (typeof event !== 'string') {
      return { cause: 'killed' };
    }
    return /heap|memory/i.test(event)
      ? { cause: 'memory' }
      : { cause: 'crash', error: event.slice(0, 200) };
  }
}

/** Records of kernels whose connection file is gone: Jupyter will not restart them. */
function removeOrphans(folder: string): void {
  try {
    const names = new Set(readdirSync(folder));
    for (const name of names) {
      const suffix = [RECORD, REPORT].find(end => name.endsWith(end));
      if (suffix && !names.has(`${name.slice(0, -suffix.length)}.json`)) {
        rmSync(join(folder, name), { force: true });
      }
    }
  } catch {
    // Somebody else's folder, or another kernel has just removed the file.
  }
}

function readJson(path: string): object | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
