/**
 * `import()` in a cell. tslab compiles it to `require`, which cannot load a package that has ES modules only, such as
 * vega-lite 6; it is compiled to a call of this loader instead.
 */
import { join } from 'node:path';
import { constants, Script } from 'node:vm';
import { PACKAGE } from './module-resolution';

type Load = (specifier: string) => Promise<object>;
type Require = (specifier: string) => object;

/** As TypeScript 5.0 emits `import()` for CommonJS; the argument is a literal, or has become `s`. */
const LITERAL =
  /Promise\.resolve\(\)\.then\(\(\) => __importStar\(require\(("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\)\)\)/g;
const COMPUTED = /\.then\(s => __importStar\(require\(s\)\)\)/g;

/** Rewrites the compiled code of a cell. */
export function keepDynamicImports(output: string): string {
  return output
    .replace(LITERAL, '__tslab__.import($1, require)')
    .replace(COMPUTED, '.then(s => __tslab__.import(s, require))');
}

/** Gives cells the loader. Call it after tslab's executor was created. */
export function installDynamicImport(folder: string): void {
  const native = nativeImport(folder);
  const { __tslab__: scope } = globalThis as unknown as {
    __tslab__: { import?: (id: string, require: Require) => Promise<object> };
  };
  scope.import = async (specifier, require) =>
    isOfCells(specifier)
      ? requireFirst(specifier, require, native)
      : native(specifier);
}

/** Node's own `import()`, which resolves from `folder`. */
function nativeImport(folder: string): Load {
  const script = new Script('specifier => import(specifier)', {
    filename: join(folder, 'cell.js'),
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER
  });
  return script.runInThisContext() as Load;
}

/** Modules that tslab compiles, which only its `require` knows; and the kernel's own package, of which there is one. */
function isOfCells(specifier: string): boolean {
  return (
    /^\.{0,2}\//.test(specifier) ||
    [PACKAGE, 'tslab'].some(
      name => specifier === name || specifier.startsWith(`${name}/`)
    )
  );
}

async function requireFirst(
  specifier: string,
  load: Require,
  native: Load
): Promise<object> {
  let loaded: object & { __esModule?: boolean };
  try {
    loaded = load(specifier);
  } catch (error) {
    if ((error as { code?: unknown })?.code === 'ERR_REQUIRE_ESM') {
      return native(specifier);
    }
    throw error;
  }
  return loaded.__esModule ? loaded : { ...loaded, default: loaded };
}
