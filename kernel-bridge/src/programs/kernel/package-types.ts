/**
 * Typings of packages that name them only in `exports`. tslab's compiler resolves modules as Node 10 did, which knows
 * only `types` and files beside package.json.
 */
import { existsSync, readFileSync } from 'node:fs';

/** A value of `exports`: a file, conditions in order, or alternatives. */
type Target = string | null | Target[] | { [condition: string]: Target };

interface Manifest {
  types?: unknown;
  typings?: unknown;
  exports?: Target;
}

const INSIDE = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\/(.+)$/;
/** Conditions under which a cell loads a package, `types` first. */
const CONDITIONS = ['types', 'import', 'node', 'require', 'default'];

const manifests = new Map<string, Manifest | undefined>();

/** The text of a package.json, with `types` added if only its `exports` name them. */
export function withTypes(path: string, text: string | undefined): typeof text {
  const [, root, file] = INSIDE.exec(path) ?? [];
  if (text === undefined || file !== 'package.json') {
    return text;
  }
  const manifest = parse(text);
  const types =
    manifest &&
    manifest.types === undefined &&
    manifest.typings === undefined &&
    typesOf(manifest, '.');
  return types && existsSync(`${root}/${types}`)
    ? JSON.stringify({ ...manifest, types })
    : text;
}

/** The file of `<package>/<subpath>.d.ts`, if the package's `exports` place it elsewhere. */
export function typesOfSubpath(path: string): string {
  const [, root, file] = INSIDE.exec(path) ?? [];
  if (!file?.endsWith('.d.ts') || existsSync(path)) {
    return path;
  }
  const manifest = manifestOf(root);
  const types =
    manifest && typesOf(manifest, `./${file.slice(0, -'.d.ts'.length)}`);
  return types ? `${root}/${types}` : path;
}

/** Whether `exports` have subpaths in a folder, which need not exist: the compiler looks for no file in a missing one. */
export function exportsFolder(path: string): boolean {
  const [, root, folder] = INSIDE.exec(path) ?? [];
  const exports = folder === undefined ? undefined : manifestOf(root)?.exports;
  return (
    typeof exports === 'object' &&
    exports !== null &&
    Object.keys(exports).some(key => key.startsWith(`./${folder}/`))
  );
}

function manifestOf(root: string): Manifest | undefined {
  if (!manifests.has(root)) {
    const path = `${root}/package.json`;
    manifests.set(
      root,
      existsSync(path) ? parse(readFileSync(path, 'utf8')) : undefined
    );
  }
  return manifests.get(root);
}

function parse(text: string): Manifest | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Path of the typings of a subpath, relative to the package. */
function typesOf({ exports }: Manifest, subpath: string): string | undefined {
  if (exports === undefined || exports === null) {
    return undefined;
  }
  const isMap =
    typeof exports === 'object' &&
    !Array.isArray(exports) &&
    Object.keys(exports).some(key => key.startsWith('.'));
  const entries: Record<string, Target> = isMap
    ? (exports as Record<string, Target>)
    : { '.': exports };
  const exact = entries[subpath];
  if (exact !== undefined) {
    return typingsIn(exact, '');
  }
  for (const [pattern, target] of Object.entries(entries)) {
    const [start, end, more] = pattern.split('*');
    if (
      end !== undefined &&
      more === undefined &&
      subpath.startsWith(start) &&
      subpath.endsWith(end) &&
      subpath.length >= start.length + end.length
    ) {
      return typingsIn(
        target,
        subpath.slice(start.length, subpath.length - end.length)
      );
    }
  }
  return undefined;
}

/** The first typings under the conditions of a cell, `*` replaced. */
function typingsIn(target: Target, star: string): string | undefined {
  if (typeof target === 'string') {
    const path = target.replaceAll('*', star).replace(/^\.\//, '');
    return /\.d\.[cm]?ts$/.test(path) && !path.includes('..')
      ? path
      : undefined;
  }
  if (Array.isArray(target)) {
    return target.map(one => typingsIn(one, star)).find(Boolean);
  }
  return target === null
    ? undefined
    : CONDITIONS.filter(name => target[name] !== undefined)
        .map(name => typingsIn(target[name], star))
        .find(Boolean);
}
