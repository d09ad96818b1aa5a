/** Which specs of the Node package import a file, over however many files between. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import typescript from 'typescript';
import { inRoot } from '../paths.mjs';

const FOLDERS = ['kernel-bridge/src', 'kernel-bridge/test'];

/** All TypeScript files below these folders, relative to the root, with `/`. */
export function sourceFiles(folders = FOLDERS) {
  return folders.flatMap(folder =>
    readdirSync(inRoot(folder), { recursive: true })
      .map(name => path.posix.join(folder, name.split(path.sep).join('/')))
      .filter(name => name.endsWith('.ts'))
      .sort()
  );
}

export const isSpec = file => file.endsWith('.spec.ts');

/** By file: the files that import it. */
export function importers(files = sourceFiles()) {
  const known = new Set(files);
  const byFile = new Map(files.map(file => [file, []]));
  for (const file of files) {
    const text = readFileSync(inRoot(file), 'utf8');
    const { importedFiles } = typescript.preProcessFile(text, true, true);
    for (const { fileName } of importedFiles) {
      byFile.get(resolved(file, fileName, known))?.push(file);
    }
  }
  return byFile;
}

function resolved(from, name, known) {
  if (!name.startsWith('.')) {
    return undefined;
  }
  const target = path.posix.join(path.posix.dirname(from), name);
  return [`${target}.ts`, `${target}/index.ts`].find(file => known.has(file));
}

/** The specs that reach a file by imports, the nearest first. */
export function specsOf(file, byFile) {
  const found = [];
  const seen = new Set([file]);
  for (let ring = [file]; ring.length > 0;) {
    const next = new Set(
      ring.flatMap(name => byFile.get(name) ?? []).filter(n => !seen.has(n))
    );
    ring = [...next].sort();
    ring.forEach(name => seen.add(name));
    found.push(...ring.filter(isSpec));
  }
  return found;
}
