/** Compiles and runs cells with tslab. */
import { AsyncLocalStorage } from 'node:async_hooks';
import * as ts from '@tslab/typescript-for-tslab';
import { isCompleteCode, type Diagnostic } from 'tslab/dist/converter';
import { createExecutor, type Executor } from 'tslab/dist/executor';
import { printQuickInfo } from 'tslab/dist/inspect';
import * as jupyter from 'tslab/dist/jupyter';
import type { JsonObject } from '../../base/kernel-api';
import { Compiler } from './compiler';
import { installDynamicImport } from './dynamic-import';
import {
  reportError,
  reportProblems,
  type ErrorReport,
  type Problem
} from './error-report';
import { Frames } from './frames';
import { resolveModules, resolveTypes } from './module-resolution';

/** Result of a cell. */
export interface Outcome {
  /** Value of the last expression; absent if null or undefined. */
  result?: { value: unknown };
  error?: ErrorReport;
}

export interface Completions {
  matches: { text: string; type: string }[];
  /** Offsets in UTF-16 units, like JavaScript strings. */
  start: number;
  end: number;
}

/** Receives calls of tslab's own `display`. */
export type DisplayHook = (content: JsonObject, update: boolean) => void;

interface Cell extends Outcome {
  problems: Problem[];
}

export const LANGUAGE_VERSION: string = ts.version;

export class Interpreter {
  private readonly _executor: Executor;
  private readonly _frames = new Frames();
  private _count = 0;
  /** An interrupted cell may report an error long after the next one has begun, so each has its own record. */
  private readonly _cells = new AsyncLocalStorage<Cell>();

  /** Loads the compiler and Node's typings, which takes most of the kernel's start. */
  constructor(folder: string, display: DisplayHook) {
    resolveTypes(ts.sys);
    resolveModules();
    const onProblems = (diagnostics: Diagnostic[]): void => {
      this._cells.getStore()?.problems.push(...diagnostics.map(toProblem));
    };
    const node = new Compiler(false, onProblems, cell =>
      this._frames.name(this._count, cell)
    );
    let browser: Compiler | undefined;
    this._executor = createExecutor(
      folder,
      {
        node,
        get browser(): Compiler {
          browser ??= new Compiler(true, onProblems, ({ output }) => output);
          return browser;
        },
        close: () => {
          node.close();
          browser?.close();
        }
      },
      {
        log: (value: unknown) => this._onResult(value),
        error: (...values: unknown[]) => this._onError(values)
      }
    );
    installDynamicImport(folder);
    (jupyter as { lastWriteDisplayData: unknown }).lastWriteDisplayData =
      display;
  }

  /** Compiles and starts the code at once, as cell number `count`; may never settle if the code does not. */
  async execute(code: string, count: number): Promise<Outcome> {
    const cell: Cell = { problems: [] };
    this._count = count;
    await this._cells.run(cell, async () => {
      try {
        await this._executor.execute(code);
      } catch (error) {
        cell.error ??= this.report(error);
      }
    });
    if (cell.problems.length > 0) {
      return { error: reportProblems(cell.problems, code) };
    }
    return cell.error ? { error: cell.error } : cell;
  }

  /** Formats an error for a notebook, with source lines of cells. */
  report(error: unknown): ErrorReport {
    return reportError(error, this._frames.read);
  }

  /** Abandons a cell that awaits something. */
  interrupt(): void {
    this._executor.interrupt();
  }

  isComplete(code: string): { completed: boolean; indent?: string } {
    return isCompleteCode(code);
  }

  complete(code: string, offset: number): Completions {
    const { candidates, start, end, original } = this._executor.complete(
      code,
      offset
    );
    const kinds = new Map(
      original?.entries.map(entry => [entry.name, entry.kind as string])
    );
    return {
      start,
      end,
      matches: candidates.map(text => ({ text, type: kinds.get(text) ?? '' }))
    };
  }

  /** Signature and documentation of the name at `offset`; undefined if there is none. */
  inspect(code: string, offset: number): string | undefined {
    const info = this._executor.inspect(code, offset) as
      ts.QuickInfo | undefined;
    return info && printQuickInfo(info);
  }

  close(): void {
    this._executor.close();
  }

  private _onResult(value: unknown): void {
    const cell = this._cells.getStore();
    if (cell) {
      cell.result = { value };
    }
  }

  private _onError(values: unknown[]): void {
    const cell = this._cells.getStore();
    // Diagnostics are logged with a format and four values, and are already recorded.
    if (cell && values.length === 1) {
      cell.error = this.report(values[0]);
    }
  }
}

function toProblem(diagnostic: Diagnostic): Problem {
  const { start, end, code, messageText, fileName } = diagnostic;
  return {
    line: start.line,
    character: start.character,
    length: end.offset - start.offset,
    code,
    text: messageText,
    ...(fileName ? { file: fileName } : {})
  };
}
