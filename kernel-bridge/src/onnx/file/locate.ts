/** Finds the .onnx file of a model that is given as a file or a folder. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, posix, resolve } from 'node:path';
import { MoEDebuggerError } from '../../base/errors';
import { isEmbeddingFile } from './join-embeddings';

export interface ModelLocation {
  /** The .onnx file. */
  file: string;
  /** Folder of configuration and tokenizer: the given one, or the file's. */
  folder: string;
}

/** Subfolders in which exporters put the .onnx file. */
const SUBFOLDERS = ['', 'onnx'];
/** Preferred in this order when a folder has several: the merged decoder runs with and without a KV cache. */
const PREFERRED = [
  'model.onnx',
  'decoder_model_merged.onnx',
  'decoder_with_past_model.onnx',
  'decoder_model.onnx'
];

/** An embedding model beside another is a part of it. */
function isDecoder(file: string): boolean {
  return file.endsWith('.onnx') && !isEmbeddingFile(file);
}

/** @throws MoEDebuggerError 'model-not-found' when nothing exists there or the choice is ambiguous */
export function locateModel(path: string): ModelLocation {
  const full = resolve(path);
  if (!existsSync(full)) {
    throw noSuchModel(path);
  }
  const status = statSync(full);
  if (!status.isDirectory()) {
    if (!status.isFile()) {
      throw new MoEDebuggerError('model-not-found', 'this is not a file', {
        where: path,
        hint: 'give a folder with a .onnx file, or the file itself'
      });
    }
    return { file: full, folder: dirname(full) };
  }
  const files = SUBFOLDERS.flatMap(subfolder => {
    const folder = join(full, subfolder);
    return existsSync(folder) && statSync(folder).isDirectory()
      ? readdirSync(folder).map(name => posix.join(subfolder, name))
      : [];
  });
  return { file: join(full, chooseModelFile(files, path)), folder: full };
}

function noSuchModel(path: string): MoEDebuggerError {
  const here = process.cwd();
  const above = isAbsolute(path) ? undefined : inFolderAbove(path, here);
  return new MoEDebuggerError(
    'model-not-found',
    `no such model in ${isAbsolute(path) ? dirname(path) : here}`,
    {
      where: path,
      hint: above
        ? `did you mean ${above}?`
        : 'give a folder with a .onnx file, or the file itself'
    }
  );
}

/** The same path from a folder above: a notebook often lies in a folder of the project. */
function inFolderAbove(path: string, here: string): string | undefined {
  let up = '..';
  for (
    let folder = dirname(here);
    folder !== dirname(folder);
    folder = dirname(folder)
  ) {
    if (existsSync(join(folder, path))) {
      return join(up, path);
    }
    up = join(up, '..');
  }
  return undefined;
}

/**
 * Chooses the .onnx file among a model's files.
 * @param files paths relative to the model's folder, with forward slashes
 * @throws MoEDebuggerError 'model-not-found' when there is none or the choice is ambiguous
 */
export function chooseModelFile(
  files: readonly string[],
  where: string
): string {
  for (const subfolder of SUBFOLDERS) {
    const graphs = files.filter(
      file =>
        file.endsWith('.onnx') &&
        !(isEmbeddingFile(file) && files.some(isDecoder)) &&
        posix.dirname(file) === (subfolder === '' ? '.' : subfolder)
    );
    const chosen =
      PREFERRED.map(name => posix.join(subfolder, name)).find(file =>
        graphs.includes(file)
      ) ?? (graphs.length === 1 ? graphs[0] : undefined);
    if (chosen !== undefined) {
      return chosen;
    }
    if (graphs.length > 1) {
      throw new MoEDebuggerError(
        'model-not-found',
        `the folder holds ${graphs.length} .onnx files: ${graphs.slice(0, 5).join(', ')}`,
        { where, hint: 'name the one to load' }
      );
    }
  }
  throw new MoEDebuggerError(
    'model-not-found',
    'the folder holds no .onnx file',
    {
      where,
      hint: 'export the model to ONNX first, for example with optimum-cli export onnx'
    }
  );
}
