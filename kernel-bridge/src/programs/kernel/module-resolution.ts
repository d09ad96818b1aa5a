/**
 * Resolves `import 'moe-debugger'` in a cell to the package of this kernel, including types, from any working directory;
 * and finds Node's typings wherever npm installed them.
 */
import { readFileSync } from 'node:fs';
import Module from 'node:module';
import { dirname, join } from 'node:path';
import type { System } from '@tslab/typescript-for-tslab';
import { exportsFolder, typesOfSubpath, withTypes } from './package-types';

export const PACKAGE = 'moe-debugger';
/** From `lib/programs/kernel`. */
export const PACKAGE_ROOT: string = join(__dirname, '../../..');

interface Manifest {
  exports: Record<string, string | { types?: string; default?: string }>;
}

/** Patches the compiler's file system. Call it before a compiler is created. */
export function resolveTypes(system: System): void {
  const redirect = redirectTypes();
  const nodeTypes = dirname(require.resolve('@types/node/package.json'));
  const fallback = slashes(
    join(
      dirname(require.resolve('tslab/package.json')),
      'node_modules',
      '@types'
    )
  );
  const exists = system.directoryExists;
  // tslab looks for Node's typings in its own folder, but npm may have hoisted them.
  const locate = (path: string): string => {
    if (path.startsWith(`${fallback}/node`) && !exists(`${fallback}/node`)) {
      return slashes(nodeTypes) + path.slice(`${fallback}/node`.length);
    }
    return typesOfSubpath(redirect(path));
  };
  const { readFile, fileExists, directoryExists, getDirectories, realpath } =
    system;
  system.readFile = (path, encoding) =>
    withTypes(path, readFile(locate(path), encoding));
  system.fileExists = path => fileExists(locate(path));
  system.directoryExists = path =>
    path === fallback ||
    path === dirname(fallback) ||
    directoryExists(locate(path)) ||
    exportsFolder(path);
  // TypeScript includes every package of a `@types` folder. Cells need only Node's: others take a second at the start
  // and add the globals of the project that the notebook happens to be in.
  system.getDirectories = path =>
    path.endsWith('/node_modules/@types')
      ? ['node'].filter(name => system.directoryExists(`${path}/${name}`))
      : getDirectories(path);
  if (realpath) {
    system.realpath = path => realpath(locate(path));
  }
  // Watching a whole `node_modules` takes most of a second at the start, and its events confuse tslab, which expects
  // only its own changes. `Compiler` looks again when a module is missing.
  system.watchDirectory = () => ({ close: () => undefined });
}

/** The same for `require`, which also covers `import` in a cell: tslab compiles it to `require`. */
export function resolveModules(): void {
  const loader = Module as unknown as {
    _resolveFilename(
      request: string,
      parent: unknown,
      ...rest: unknown[]
    ): string;
  };
  const original = loader._resolveFilename;
  loader._resolveFilename = function (request, parent, ...rest) {
    const own = request === PACKAGE || request.startsWith(`${PACKAGE}/`);
    // Within the package, Node resolves its own name by its `exports`.
    return original.call(this, request, own ? module : parent, ...rest);
  };
}

/** Maps `<any folder>/node_modules/moe-debugger/...` into this package. */
function redirectTypes(): (path: string) => string {
  const root = slashes(PACKAGE_ROOT);
  const marker = `/node_modules/${PACKAGE}`;
  const entries = subpathTypes();
  return path => {
    const at = path.lastIndexOf(marker);
    const rest = at < 0 ? '' : path.slice(at + marker.length);
    if (at < 0 || (rest !== '' && !rest.startsWith('/'))) {
      return path;
    }
    return root + (entries.get(rest) ?? rest);
  };
}

/**
 * tslab's compiler uses Node 10 resolution, without `exports`: it looks for `moe-debugger/protocol.d.ts`, but the package
 * has `lib/protocol/index.d.ts`.
 */
function subpathTypes(): Map<string, string> {
  const manifest = JSON.parse(
    readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8')
  ) as Manifest;
  const entries = new Map<string, string>();
  for (const [subpath, target] of Object.entries(manifest.exports)) {
    const types = typeof target === 'string' ? undefined : target.types;
    if (types !== undefined && subpath !== '.') {
      entries.set(`${subpath.slice(1)}.d.ts`, types.slice(1));
    }
  }
  return entries;
}

function slashes(path: string): string {
  return path.replace(/\\/g, '/');
}
