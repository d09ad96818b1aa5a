/** tslab's compiler, with workarounds for four of its bugs. */
import {
  createConverter,
  type Converter,
  type ConvertResult,
  type Diagnostic
} from 'tslab/dist/converter';
import type { CodeMetadata } from 'tslab/dist/metadata';
import { keepDynamicImports } from './dynamic-import';
import type { CompiledCell } from './source-lines';
import { hasTopLevelAwait } from './top-level-await';

/** TypeScript's error codes for missing modules and typings. */
const UNRESOLVED = new Set([2307, 7016]);

/**
 * Keeps the positions of diagnostics, which tslab only prints; supports cells whose awaits tslab does not detect; keeps
 * `import()`; finds a package that was installed after the compiler had missed it.
 */
export class Compiler implements Converter {
  private readonly _onProblems: (diagnostics: Diagnostic[]) => void;
  private readonly _finish: (cell: CompiledCell) => string;
  private readonly _isBrowser: boolean;
  private readonly _modules = new Map<string, [string, CodeMetadata?]>();
  private _converter: Converter;

  constructor(
    isBrowser: boolean,
    onProblems: (diagnostics: Diagnostic[]) => void,
    finish: (cell: CompiledCell) => string
  ) {
    this._isBrowser = isBrowser;
    this._onProblems = onProblems;
    this._finish = finish;
    this._converter = this._create();
  }

  convert(declarations: string, code: string): ConvertResult {
    let converted = this._converter.convert(declarations, code);
    if (converted.diagnostics.some(problem => UNRESOLVED.has(problem.code))) {
      this._startAfresh();
      converted = this._converter.convert(declarations, code);
    }
    this._onProblems(converted.diagnostics);
    const { output, hasToplevelAwait } = converted;
    return {
      ...converted,
      // Lines of the cell are found by its output as tslab made it.
      output: output && keepDynamicImports(this._finish({ code, output })),
      hasToplevelAwait: hasToplevelAwait || hasTopLevelAwait(code)
    };
  }

  addModule(name: string, content: string, meta?: CodeMetadata): Diagnostic[] {
    this._modules.set(name, [content, meta]);
    const diagnostics = this._converter.addModule(name, content, meta);
    this._onProblems(diagnostics);
    return diagnostics;
  }

  inspect(
    declarations: string,
    code: string,
    offset: number
  ): ReturnType<Converter['inspect']> {
    return this._converter.inspect(declarations, code, offset);
  }

  complete(
    declarations: string,
    code: string,
    offset: number
  ): ReturnType<Converter['complete']> {
    return this._converter.complete(declarations, code, offset);
  }

  close(): void {
    this._converter.close();
  }

  private _create(): Converter {
    return createConverter({ isJS: false, isBrowser: this._isBrowser });
  }

  /** Recreates the compiler, which otherwise remembers missing packages forever. */
  private _startAfresh(): void {
    this._converter.close();
    this._converter = this._create();
    for (const [name, [content, meta]] of this._modules) {
      this._converter.addModule(name, content, meta);
    }
  }
}
