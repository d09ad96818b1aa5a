/** What a page or a worker may load holds nothing of Node, wherever its imports lead. */
import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { REPOSITORY } from './zoo';

const SOURCES = join(REPOSITORY, 'kernel-bridge/src');
/** Packages that run in a browser too. */
const PORTABLE = ['@dagrejs/dagre', 'jstat', 'ml-matrix'];

const IMPORT =
  /(?:^|\n)(?:import|export)\s+(?!type\b)(?:[^'";]*\sfrom\s+)?'([^']+)'|\brequire\('([^']+)'\)/g;
const GLOBAL =
  /(?<![.\w'"])(?:process|Buffer|__dirname|__filename|setImmediate)\s*[.([]/;

interface Reached {
  files: Set<string>;
  packages: Set<string>;
}

function reach(file: string, found: Reached): Reached {
  if (found.files.has(file)) {
    return found;
  }
  found.files.add(file);
  for (const [, own, required] of code(file).matchAll(IMPORT)) {
    const name = own ?? required;
    if (!name.startsWith('.')) {
      found.packages.add(name);
      continue;
    }
    const path = resolve(dirname(file), name);
    reach(sourceOf(path), found);
  }
  return found;
}

function sourceOf(path: string): string {
  for (const candidate of [`${path}.ts`, join(path, 'index.ts')]) {
    try {
      readFileSync(candidate);
      return candidate;
    } catch {
      // The other one, then.
    }
  }
  throw new Error(`no source at ${path}`);
}

/** Without comments, which may speak of anything. */
function code(file: string): string {
  return readFileSync(file, 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '');
}

it.each([
  ['protocol', 'base/protocol/index.ts', 20],
  ['charts', 'base/charts/index.ts', 15],
  ['measures', 'measures/index.ts', 30]
])('moe-debugger/%s is free of Node', (_, entry, least) => {
  const { files, packages } = reach(join(SOURCES, entry), {
    files: new Set(),
    packages: new Set()
  });
  expect(files.size).toBeGreaterThan(least);
  expect([...packages].filter(name => !PORTABLE.includes(name))).toEqual([]);
  expect(
    [...files]
      .filter(file => GLOBAL.test(code(file)))
      .map(file => relative(SOURCES, file))
  ).toEqual([]);
});

it('finds Node where it is', () => {
  const { packages } = reach(join(SOURCES, 'base/atomic-file.ts'), {
    files: new Set(),
    packages: new Set()
  });
  expect(packages).toContain('node:fs');
});
