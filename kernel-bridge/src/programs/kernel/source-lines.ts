/**
 * Maps lines of compiled code to lines of its cell. tslab cannot create source maps, so a failed cell is compiled again
 * here, in the same two steps but without types. If the two results have different shapes, no line is returned rather
 * than a wrong one.
 */
import { SourceMap } from 'node:module';
import * as ts from '@tslab/typescript-for-tslab';

export interface CompiledCell {
  code: string;
  output: string;
}

/** Added by tslab, so that every cell is a module. */
const PREFIX = 'export {};\n';

/** The line of the cell, from 1, that line `line` of its output comes from. */
export function sourceLine(
  { code, output }: CompiledCell,
  line: number
): number | undefined {
  const names = declaredNames(code);
  const suffix = names.length > 0 ? `\nexport {${names.join(', ')}}` : '';
  const script = transpile(PREFIX + code + suffix, ts.ModuleKind.ESNext);
  const common = transpile(script.text, ts.ModuleKind.CommonJS);
  const same = counterpart(output, common.text, line);
  const middle = same && lineBefore(common, same);
  const found = middle && lineBefore(script, middle);
  return found && found > 1 ? found - 1 : undefined;
}

interface Transpiled {
  text: string;
  map: SourceMap;
}

function transpile(code: string, module: ts.ModuleKind): Transpiled {
  const { outputText, sourceMapText } = ts.transpileModule(code, {
    fileName: 'cell.ts',
    compilerOptions: {
      module,
      target: ts.ScriptTarget.ES2022,
      esModuleInterop: true,
      experimentalDecorators: true,
      jsx: ts.JsxEmit.React,
      newLine: ts.NewLineKind.LineFeed,
      noImplicitUseStrict: true,
      sourceMap: true
    }
  });
  return {
    text: outputText.replace(/\n?\/\/# sourceMappingURL=.*\s*$/, '\n'),
    map: new SourceMap(JSON.parse(sourceMapText ?? '{}'))
  };
}

/** Position of a line's first token before `text` was transpiled. */
function lineBefore(
  { text, map }: Transpiled,
  line: number
): number | undefined {
  const start = text.split('\n')[line - 1]?.search(/\S/) ?? -1;
  const entry = start < 0 ? {} : map.findEntry(line - 1, start);
  return 'originalLine' in entry && typeof entry.originalLine === 'number'
    ? entry.originalLine + 1
    : undefined;
}

/** tslab exports every name that a cell declares, which adds lines. */
function declaredNames(code: string): string[] {
  const file = ts.createSourceFile('cell.ts', code, ts.ScriptTarget.Latest);
  const names = new Set<string>();
  const bind = (name: ts.BindingName): void => {
    if (ts.isIdentifier(name)) {
      names.add(name.text);
    } else {
      name.elements.forEach(
        element => ts.isBindingElement(element) && bind(element.name)
      );
    }
  };
  for (const statement of file.statements) {
    if (ts.isVariableStatement(statement)) {
      statement.declarationList.declarations.forEach(({ name }) => bind(name));
    } else if (ts.isImportDeclaration(statement)) {
      const clause = statement.importClause;
      const bindings = clause?.namedBindings;
      [
        clause?.name,
        ...(bindings && ts.isNamedImports(bindings)
          ? bindings.elements.map(element => element.name)
          : [bindings?.name])
      ].forEach(name => name && names.add(name.text));
    } else if (
      ts.isFunctionDeclaration(statement) ||
      ts.isClassDeclaration(statement) ||
      ts.isEnumDeclaration(statement)
    ) {
      names.add(statement.name?.text ?? 'default');
    }
  }
  return [...names];
}

/** The line of `text` that corresponds to a line of `output`, if both have the same shape. */
function counterpart(
  output: string,
  text: string,
  line: number
): number | undefined {
  const theirs = body(output);
  const mine = body(text);
  const same =
    mine.length === theirs.length &&
    mine.every(({ indent }, i) => indent === theirs[i].indent);
  return same
    ? mine[theirs.findIndex(entry => entry.line === line)]?.line
    : undefined;
}

/** Lines of user code, with indentation. Export statements differ between the results, and so does code within a line. */
function body(output: string): { line: number; indent: number }[] {
  return output
    .split('\n')
    .map((text, i) => ({ text, line: i + 1, indent: text.search(/\S/) }))
    .filter(
      ({ text, indent }) =>
        indent >= 0 &&
        !/^exports\.(\w+) = (\1|(exports\.\w+ = )*void 0);$/.test(text)
    );
}
