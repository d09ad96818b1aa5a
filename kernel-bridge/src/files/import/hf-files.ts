/** Which files of a folder are one dump: shards, files of an array each, or dumps of their own. */
import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readJson } from '../../run/model/config';
import type { ArrayFile } from './array-file';
import { ArrayStore } from './array-store';
import { OTHERS } from './hf-arrays';
import { filesIn, refuse, type ImportContext } from './importer';

/** Arrays of one forward pass, from one file or several. */
export interface Dump {
  arrays: ArrayFile[];
  /** File or folder, for messages. */
  path: string;
  /** Start of its samples' ids. */
  stem: string;
}

const FILES = /\.(np[yz]|safetensors)(\.gz)?$/i;
const EXTENSION = /\.\w+(\.gz)?$/;
/** Hugging Face's names of shards: `name-00001-of-00003.safetensors`. */
const SHARD = /^(.*)-(\d{1,6})-of-(\d{1,6})(\.\w+(?:\.gz)?)$/;
/** A file of one array that is a layer's, or holds the tokens of the others. */
const IN_PART = /layer[._-]?\d|router|gate/i;

/** Opens the dumps one after the other; each is closed when the next is asked for. */
export async function* dumpsIn(
  path: string,
  context: ImportContext
): AsyncGenerator<Dump, void, undefined> {
  const isFolder = statSync(path).isDirectory();
  if (!isFolder) {
    refuseOneShard(path);
  }
  for (const { files, stem } of groups(
    filesIn(path, FILES, '.safetensors, .npz or .npy'),
    isFolder
  )) {
    const stores: ArrayStore[] = [];
    try {
      for (const file of files) {
        const unnamed = isFolder ? stemOf(file) : '';
        stores.push(await ArrayStore.open(file, unnamed));
      }
      const left = stores.flatMap(({ leftOut }) => leftOut);
      if (left.length > 0) {
        context.note(
          `arrays that hold no numbers are left out: ${left.join(', ').slice(0, 200)}`
        );
      }
      const arrays = stores.flatMap(store => store.arrays);
      const only = files.length === 1 ? files[0] : path;
      yield { arrays: distinct(arrays, only), path: only, stem };
    } finally {
      stores.forEach(store => store.close());
    }
  }
}

function groups(
  files: readonly string[],
  isFolder: boolean
): { files: string[]; stem: string }[] {
  const indexed = indexes(dirname(files[0])).map(({ name, listed }) => ({
    files: isFolder ? listed.map(file => join(dirname(files[0]), file)) : [],
    stem: name.replace(/(\.safetensors)?\.index\.json$/, '')
  }));
  const shards = new Map<string, string[]>();
  const parts: string[] = [];
  const alone: string[] = [];
  for (const group of indexed) {
    const missing = group.files.find(file => !files.includes(file));
    if (missing !== undefined) {
      refuse(
        `${basename(missing)} is missing, which the index of ${group.stem} lists`,
        dirname(missing),
        '',
        'put all files into the folder'
      );
    }
  }
  const inIndex = new Set(indexed.flatMap(group => group.files));
  for (const file of files.filter(name => !inIndex.has(name))) {
    const [, name, , count, extension] = SHARD.exec(basename(file)) ?? [];
    if (name !== undefined) {
      const key = `${name}/${Number(count)}${extension}`;
      shards.set(key, [...(shards.get(key) ?? []), file]);
    } else if (isFolder && isPart(file)) {
      parts.push(file);
    } else {
      alone.push(file);
    }
  }
  for (const group of shards.values()) {
    refuseMissing(group);
  }
  return [
    ...indexed.filter(group => group.files.length > 0),
    ...[...shards].map(([key, group]) => ({
      files: group,
      stem: key.slice(0, key.lastIndexOf('/'))
    })),
    ...(parts.length > 0
      ? [{ files: parts, stem: basename(dirname(parts[0])) }]
      : []),
    ...alone.map(file => ({ files: [file], stem: stemOf(file) }))
  ];
}

/** An .npy holds one array, so a forward pass takes several. */
function isPart(file: string): boolean {
  const stem = stemOf(file);
  return (
    /\.npy(\.gz)?$/i.test(file) && (OTHERS.has(stem) || IN_PART.test(stem))
  );
}

function stemOf(file: string): string {
  return basename(file).replace(EXTENSION, '');
}

function refuseMissing(group: readonly string[]): void {
  const numbers = group.map(file => Number(SHARD.exec(basename(file))![2]));
  const count = Number(SHARD.exec(basename(group[0]))![3]);
  for (let n = 1; n <= count; n++) {
    if (!numbers.includes(n)) {
      refuse(
        `shard ${n} of ${count} is missing`,
        dirname(group[0]),
        '',
        'put all shards into the folder'
      );
    }
  }
}

/** A shard holds some layers only, and would pass as all of them. */
function refuseOneShard(path: string): void {
  const [, , number, count] = SHARD.exec(basename(path)) ?? [];
  const several = Number(count) > 1;
  const index = indexes(dirname(path)).find(({ listed }) =>
    listed.includes(basename(path))
  );
  if (several || (index && index.listed.length > 1)) {
    refuse(
      several
        ? `this is shard ${Number(number)} of ${Number(count)}`
        : `the index beside it, ${index!.name}, lists further files`,
      path,
      '',
      `give the folder: ${dirname(path)}`
    );
  }
}

/** Hugging Face's `*.index.json` of a folder, which say in which files the arrays of a dump are. */
function indexes(folder: string): { name: string; listed: string[] }[] {
  return readdirSync(folder)
    .filter(name => name.endsWith('.index.json'))
    .map(name => {
      const map = readJson(join(folder, name))?.weight_map;
      const files =
        typeof map === 'object' && map !== null ? Object.values(map) : [];
      return {
        name,
        listed: [
          ...new Set(
            files.filter((file): file is string => typeof file === 'string')
          )
        ]
      };
    });
}

function distinct(arrays: ArrayFile[], path: string): ArrayFile[] {
  const names = new Set<string>();
  for (const { name } of arrays) {
    if (names.has(name)) {
      refuse(
        `two files have an array ${name}`,
        path,
        '',
        'put dumps of several runs into folders of their own'
      );
    }
    names.add(name);
  }
  return arrays;
}
