/** Which file a user means by a model: a `.onnx` file, or a folder with one. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { MoEDebuggerError } from '../errors';

export interface ModelLocation {
  /** The .onnx file. */
  file: string;
  /** Where configuration and tokenizer lie: the folder given, or the file's. */
  folder: string;
}

/** Folders, besides the model's own, in which exporters put the .onnx file. */
const SUBFOLDERS = ['', 'onnx'];
/** Taken first when a folder has several: the merged decoder runs with and without a cache. */
const PREFERRED = [
  'model.onnx',
  'decoder_model_merged.onnx',
  'decoder_with_past_model.onnx',
  'decoder_model.onnx'
];

/** @throws MoEDebuggerError 'model-not-found' when there is nothing there or the choice is not clear. */
export function locateModel(path: string): ModelLocation {
  const full = resolve(path);
  if (!existsSync(full)) {
    throw new MoEDebuggerError('model-not-found', 'no such model', {
      where: path,
      hint: 'give a folder with a .onnx file, or the file itself'
    });
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
  for (const subfolder of SUBFOLDERS) {
    const folder = join(full, subfolder);
    const files = existsSync(folder)
      ? readdirSync(folder).filter(name => name.endsWith('.onnx'))
      : [];
    const chosen =
      PREFERRED.find(name => files.includes(name)) ??
      (files.length === 1 ? files[0] : undefined);
    if (chosen) {
      return { file: join(folder, chosen), folder: full };
    }
    if (files.length > 1) {
      throw new MoEDebuggerError(
        'model-not-found',
        `the folder holds ${files.length} .onnx files: ${files.slice(0, 5).join(', ')}`,
        {
          where: path,
          hint: 'name the one to load'
        }
      );
    }
  }
  throw new MoEDebuggerError(
    'model-not-found',
    'the folder holds no .onnx file',
    {
      where: path,
      hint: 'export the model to ONNX first, for example with optimum-cli export onnx'
    }
  );
}
