/**
 * docs/api/surface.md: every public name of the Node package with its signature, one per line, so that a change of the
 * public surface shows in a diff. `npm run docs:surface` writes it; `--print` only prints it, for the test.
 *
 * Read from the sources, since lib/ may be older. Names marked `@internal` are left out, as they are from the
 * built .d.ts files (`stripInternal`).
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const PACKAGE = join(ROOT, 'kernel-bridge');
const PAGE = join(ROOT, 'docs/api/surface.md');

const HEAD = `# Public surface

Every public name of the npm package \`moe-debugger\`, one a line. Written by \`npm run docs:surface\`; do not edit. A test
compares it with the sources, so that a change of the surface is seen and meant. \`npm run docs:api\` writes the pages
with all comments.
`;

const FORMAT =
  ts.TypeFormatFlags.NoTruncation |
  ts.TypeFormatFlags.UseAliasDefinedOutsideCurrentScope |
  ts.TypeFormatFlags.UseSingleQuotesForStringLiteralType |
  ts.TypeFormatFlags.WriteArrowStyleSignature;

/** The source of each entry of the package's `exports`, by import path. */
function entries() {
  const { name, exports } = JSON.parse(
    readFileSync(join(PACKAGE, 'package.json'), 'utf8')
  );
  return Object.entries(exports)
    .filter(([, target]) => target.types)
    .map(([subpath, { types }]) => ({
      path: join(name, subpath),
      source: join(
        PACKAGE,
        types.replace('./lib/', 'src/').replace(/\.d\.ts$/, '.ts')
      )
    }));
}

export function surface() {
  const { config } = ts.readConfigFile(
    join(PACKAGE, 'tsconfig.json'),
    ts.sys.readFile
  );
  const { options } = ts.convertCompilerOptionsFromJson(
    config.compilerOptions,
    PACKAGE
  );
  const packages = entries();
  const program = ts.createProgram(
    packages.map(({ source }) => source),
    { ...options, incremental: false, tsBuildInfoFile: undefined, noEmit: true }
  );
  const describe = describer(program.getTypeChecker());
  const parts = packages.map(({ path, source }) => {
    const file = program.getSourceFile(source);
    if (!file) {
      throw new Error(`${relative(ROOT, source)} is not there`);
    }
    return `## ${path}\n\n\`\`\`ts\n${describe(file).join('\n')}\n\`\`\`\n`;
  });
  return [HEAD, ...parts].join('\n');
}

/** Whether a declaration is the package's own: members inherited from Node and the language are not listed. */
const ours = declaration =>
  declaration.getSourceFile().fileName.startsWith(PACKAGE) &&
  !declaration.getSourceFile().fileName.includes('/node_modules/');

/** TypeScript orders unions as it meets them, so that an unrelated change would reorder them. */
const sortLiterals = text =>
  text.replace(/'[^']*'(?: \| '[^']*')+/g, union =>
    union.split(' | ').sort().join(' | ')
  );

function describer(checker) {
  const typeText = (type, at) => {
    const text = checker.typeToString(type, at, FORMAT);
    // A type that is not imported there is printed with the path of its file.
    return text.replace(/import\("[^"]*"\)\./g, '').replace(/\s+/g, ' ');
  };
  const signatures = (signature, at) =>
    sortLiterals(
      checker
        .signatureToString(
          signature,
          at,
          FORMAT & ~ts.TypeFormatFlags.WriteArrowStyleSignature
        )
        .replace(/import\("[^"]*"\)\./g, '')
        .replace(/\s+/g, ' ')
    );

  const hidden = symbol =>
    symbol.getJsDocTags(checker).some(({ name }) => name === 'internal') ||
    !(symbol.declarations ?? []).some(ours) ||
    symbol.declarations.some(
      declaration =>
        ts.getCombinedModifierFlags(declaration) &
          (ts.ModifierFlags.Private | ts.ModifierFlags.Protected) ||
        (declaration.name && ts.isPrivateIdentifier(declaration.name))
    );
  const deprecated = symbol =>
    symbol.getJsDocTags(checker).some(({ name }) => name === 'deprecated')
      ? ' // deprecated'
      : '';

  const member = (owner, symbol, at) => {
    if (hidden(symbol)) {
      return [];
    }
    const name = symbol.name.startsWith('__@')
      ? `[${symbol.name.slice(3).replace(/@.*/, '')}]`
      : `.${symbol.name}`;
    const type = checker.getTypeOfSymbolAtLocation(symbol, at);
    const optional = symbol.flags & ts.SymbolFlags.Optional ? '?' : '';
    const calls = type.getCallSignatures();
    const lines =
      symbol.flags & ts.SymbolFlags.Method
        ? calls.map(call => `${owner}${name}${optional}${signatures(call, at)}`)
        : [
            `${owner}${name}${optional}: ${typeText(optional ? checker.getNonNullableType(type) : type, at)}`
          ];
    return lines.map(line => line + deprecated(symbol));
  };

  const named = (name, symbol, at, note) => {
    const lines = [];
    if (symbol.flags & ts.SymbolFlags.Class) {
      lines.push(...classLines(name, symbol, at, note));
    } else if (symbol.flags & ts.SymbolFlags.Interface) {
      const type = checker.getDeclaredTypeOfSymbol(symbol);
      lines.push(`interface ${name}${note}`);
      for (const property of type.getProperties()) {
        lines.push(...member(name, property, at));
      }
    } else if (symbol.flags & ts.SymbolFlags.TypeAlias) {
      const type = checker.getDeclaredTypeOfSymbol(symbol);
      const text = checker.typeToString(
        type,
        at,
        FORMAT | ts.TypeFormatFlags.InTypeAlias
      );
      lines.push(
        `type ${name} = ${text.replace(/import\("[^"]*"\)\./g, '').replace(/\s+/g, ' ')}${note}`
      );
    }
    if (symbol.flags & ts.SymbolFlags.Function) {
      const type = checker.getTypeOfSymbolAtLocation(symbol, at);
      for (const call of type.getCallSignatures()) {
        lines.push(`function ${name}${signatures(call, at)}${note}`);
      }
    } else if (symbol.flags & ts.SymbolFlags.Variable) {
      const type = checker.getTypeOfSymbolAtLocation(symbol, at);
      lines.push(`const ${name}: ${typeText(type, at)}${note}`);
    } else if (symbol.flags & ts.SymbolFlags.Module && lines.length === 0) {
      for (const inner of exportsOf(symbol)) {
        lines.push(...named(`${name}.${inner.name}`, resolved(inner), at, ''));
      }
    }
    return lines;
  };

  const classLines = (name, symbol, at, note) => {
    const instance = checker.getDeclaredTypeOfSymbol(symbol);
    const statics = checker.getTypeOfSymbolAtLocation(symbol, at);
    const lines = [`class ${name}${note}`];
    for (const signature of statics.getConstructSignatures()) {
      const { declaration } = signature;
      const shown =
        declaration &&
        !(
          ts.getCombinedModifierFlags(declaration) &
          (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)
        ) &&
        !ts
          .getJSDocTags(declaration)
          .some(({ tagName }) => tagName.text === 'internal');
      if (shown) {
        lines.push(`new ${name}${signatures(signature, at)}`);
      }
    }
    for (const property of statics.getProperties()) {
      if (property.name !== 'prototype') {
        lines.push(...member(`static ${name}`, property, at));
      }
    }
    for (const property of instance.getProperties()) {
      lines.push(...member(name, property, at));
    }
    return lines;
  };

  const resolved = symbol =>
    symbol.flags & ts.SymbolFlags.Alias
      ? checker.getAliasedSymbol(symbol)
      : symbol;
  const exportsOf = module =>
    checker
      .getExportsOfModule(module)
      .sort((a, b) => (a.name < b.name ? -1 : 1));

  return file =>
    exportsOf(checker.getSymbolAtLocation(file)).flatMap(symbol => {
      const target = resolved(symbol);
      return named(
        symbol.name,
        target,
        file,
        deprecated(symbol) || deprecated(target)
      );
    });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--print')) {
    process.stdout.write(surface());
  } else {
    mkdirSync(dirname(PAGE), { recursive: true });
    writeFileSync(PAGE, surface());
  }
}
