import { createConverter, type Converter } from 'tslab/dist/converter';
import { Frames } from './frames';
import { INTERNAL_FOLDERS } from './internal-folders';

describe('Frames', () => {
  let converter: Converter;
  beforeAll(() => {
    converter = createConverter({ isJS: false, isBrowser: false });
  });
  afterAll(() => converter.close());

  /** The stack frame of `throw` in a cell's compiled code, as V8 would name it, after mapping. */
  function shown(code: string): string | undefined {
    const { output = '' } = converter.convert('', code);
    const frames = new Frames();
    expect(frames.name(3, { code, output })).toMatch(
      /\n\/\/# sourceURL=cell-1$/
    );
    const line =
      output.split('\n').findIndex(text => text.includes('throw')) + 1;
    return frames.read(`    at f (cell-1:${line}:5)`);
  }

  it.each([
    ["throw new Error('x')", 1],
    ["function f() { throw new Error('x'); }\nf()", 1],
    [
      "// types go\n\ninterface A {\n  n: number;\n}\nconst a: A = { n: 1 };\nif (a.n) {\n  throw new Error('x');\n}",
      8
    ],
    [
      "import { Stats } from 'fs';\nimport path, { join } from 'path';\nlet s: Stats | undefined = undefined as any;\nthrow new Error(join(path.sep, String(s)))",
      4
    ],
    [
      "class K {\n  private n = 1;\n  m(): number {\n    if (this.n) {\n      throw new Error('x');\n    }\n    return 1;\n  }\n}\nnew K().m()",
      5
    ],
    [
      "const { x, y: [z] } = { x: 1, y: [2] };\nenum E { A, B }\nx + z + E.A;\nthrow new Error('x')",
      4
    ],
    ['const s = `a\n b`;\n(() => {\n  throw new Error(s);\n})()', 4],
    [
      'const value = await Promise.resolve(1);\n/** doc */\nasync function g(): Promise<void> {\n  throw new Error(String(value));\n}\nawait g()',
      4
    ]
  ])('finds the line in %j', (code, line) => {
    expect(shown(code)).toBe(`    at f (cell 3, line ${line})`);
  });

  it('drops frames of Node, of the kernel and of the function around a cell', () => {
    const frames = new Frames();
    frames.name(1, { code: '1', output: '1;' });
    expect(
      frames.read('    at Script.runInThisContext (node:vm:136:12)')
    ).toBeUndefined();
    expect(
      frames.read(`    at run (${INTERNAL_FOLDERS[0]}/server.js:1:1)`)
    ).toBeUndefined();
    expect(frames.read('    at cell-1:3:3')).toBeUndefined();
    expect(frames.read('TypeError: the message')).toBeUndefined();
  });

  it('omits the line number rather than showing a wrong one', () => {
    const frames = new Frames();
    frames.name(1, { code: 'one(); two();', output: 'other();\n  shape();' });
    expect(frames.read('    at cell-1:2:3')).toBe('    at cell 1');
    expect(frames.read('    at cell-9:2:3')).toBe('    at an earlier cell');
    expect(frames.read('    at theirs (/home/me/lib.js:2:2)')).toBe(
      '    at theirs (/home/me/lib.js:2:2)'
    );
  });
});
