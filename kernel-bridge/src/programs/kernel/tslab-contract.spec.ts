/** Tests assumptions about the internals of tslab 1.0.22, to be verified on an upgrade. */
import * as ts from '@tslab/typescript-for-tslab';
import {
  createConverter,
  isCompleteCode,
  type Converter
} from 'tslab/dist/converter';
import { createExecutor, type Executor } from 'tslab/dist/executor';
import { printQuickInfo } from 'tslab/dist/inspect';
import * as jupyter from 'tslab/dist/jupyter';
import { display } from 'tslab';
import { resolveTypes } from './module-resolution';

describe('tslab 1.0.22', () => {
  let converter: Converter;
  let executor: Executor;
  let logged: unknown[];
  let failed: unknown[][];

  beforeAll(() => {
    resolveTypes(ts.sys);
    converter = createConverter({ isJS: false, isBrowser: false });
    executor = createExecutor(
      process.cwd(),
      { node: converter, browser: converter, close: () => converter.close() },
      {
        log: value => logged.push(value),
        error: (...values) => failed.push(values)
      }
    );
  });
  beforeEach(() => {
    logged = [];
    failed = [];
  });
  afterAll(() => executor.close());

  it('has the version that this was written for', () => {
    expect(
      (jest.requireActual('tslab/package.json') as { version: string }).version
    ).toBe('1.0.22');
    expect(ts.version).toBe('5.0.4');
  });

  it('logs the value of the last expression', async () => {
    expect(await executor.execute('const n: number = 20;\nn + 1')).toBe(true);
    expect(logged).toEqual([21]);
    expect(await executor.execute('n')).toBe(true);
    expect(logged).toEqual([21, 20]);
  });

  it('reports a thrown value as one argument, and a diagnostic as five', async () => {
    expect(await executor.execute("throw 'value'")).toBe(false);
    expect(failed).toEqual([['value']]);
    failed = [];
    expect(await executor.execute('const s: string = 1;')).toBe(false);
    expect(failed).toHaveLength(1);
    expect(failed[0]).toHaveLength(5);
  });

  it('takes its diagnostics from the converter', () => {
    const { diagnostics } = converter.convert('', '\nconst s: string = 1;');
    expect(diagnostics).toMatchObject([
      { start: { line: 1, character: 6 }, code: 2322 }
    ]);
  });

  it('detects awaits in a cell, except `for await`', () => {
    expect(converter.convert('', 'await null;').hasToplevelAwait).toBe(true);
    expect(
      converter.convert('', 'for await (const x of []) { x; }').hasToplevelAwait
    ).toBe(false);
  });

  it('starts a cell in the call itself', async () => {
    const done = executor.execute('const started = true;');
    expect(executor.locals.started).toBe(true);
    await done;
  });

  it('abandons a cell that awaits', async () => {
    const waiting = executor.execute('await new Promise(() => undefined);');
    executor.interrupt();
    expect(await waiting).toBe(false);
  });

  it('completes and inspects', () => {
    const { candidates, original } = executor.complete('const abc = 1; ab', 17);
    expect(candidates).toContain('abc');
    expect(original?.entries.find(entry => entry.name === 'abc')?.kind).toBe(
      'const'
    );
    expect(printQuickInfo(executor.inspect('const abc = 1;', 7))).toBe(
      'const abc: 1'
    );
    expect(isCompleteCode('(')).toEqual({ completed: false, indent: '  ' });
  });

  it('displays through a variable that can be set', () => {
    const shown: unknown[] = [];
    (jupyter as { lastWriteDisplayData: unknown }).lastWriteDisplayData = (
      data: unknown,
      update: boolean
    ) => shown.push(data, update);
    display.text('x');
    expect(shown).toEqual([
      {
        data: { 'text/plain': 'x' },
        metadata: {},
        transient: { display_id: undefined }
      },
      undefined
    ]);
  });
});

describe('Node', () => {
  it('has the function that clears the stack of async ids', () => {
    expect(
      typeof (process as unknown as { _fatalException: unknown })
        ._fatalException
    ).toBe('function');
  });
});
