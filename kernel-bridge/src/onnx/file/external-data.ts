/** ONNX external data: weights outside the .onnx file. Paths are untrusted input and must not leave the model's folder. */
import { existsSync, lstatSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path';
import { MoEDebuggerError } from '../../base/errors';
import type { GraphProto, TensorProto } from './schema';
import { byteSize, isExternal } from './tensor';

export interface ExternalReference {
  location: string;
  offset: number;
  /** Undefined: to the end of the file. */
  length?: number;
}

export interface ExternalFile {
  /** Absolute, with links resolved. */
  path: string;
  size: number;
}

export function externalReference(tensor: TensorProto): ExternalReference {
  const entries = new Map(
    tensor.externalData.map(({ key, value }) => [key, value])
  );
  const length = entries.get('length');
  return {
    location: entries.get('location') ?? '',
    offset: Number(entries.get('offset') ?? 0),
    ...(length === undefined ? {} : { length: Number(length) })
  };
}

/**
 * Validates the external data of tensors against the files on disk.
 *
 * @returns the files by location
 * @throws MoEDebuggerError 'external-data' naming the tensor: an absolute path, a path or a link that leads out of the
 * model's folder, a missing file, a byte range beyond its end, or a length that the shape contradicts
 */
export function checkExternalData(
  tensors: Iterable<TensorProto>,
  modelFile: string
): Map<string, ExternalFile> {
  const folder = dirname(modelFile);
  const files = new Map<string, ExternalFile>();
  for (const tensor of tensors) {
    if (!isExternal(tensor)) {
      continue;
    }
    const { location, offset, length } = externalReference(tensor);
    const fail = (what: string, hint: string): never => {
      throw new MoEDebuggerError('external-data', what, {
        where: `${modelFile}, tensor ${tensor.name ?? ''}`,
        hint
      });
    };
    const file = files.get(location) ?? externalFile(folder, location, fail);
    files.set(location, file);
    const { size } = file;
    const expected = byteSize(tensor);
    const end = offset + (length ?? (Number.isNaN(expected) ? 0 : expected));
    if (
      !Number.isSafeInteger(offset) ||
      offset < 0 ||
      !Number.isSafeInteger(end) ||
      end > size
    ) {
      fail(
        `bytes ${offset} to ${end} are beyond the end of ${location} (${size} bytes)`,
        'the weights file is truncated or belongs to another model: download or export both again'
      );
    }
    if (
      length !== undefined &&
      !Number.isNaN(expected) &&
      length !== expected
    ) {
      fail(
        `${length} bytes are stored where its shape needs ${expected}`,
        'export the model again'
      );
    }
  }
  return files;
}

function externalFile(
  folder: string,
  location: string,
  fail: (what: string, hint: string) => never
): ExternalFile {
  const parts = location.split(/[\\/]/);
  if (
    location === '' ||
    isAbsolute(location) ||
    /^[A-Za-z]:/.test(location) ||
    parts.includes('..') ||
    location.includes('\0')
  ) {
    fail(
      `external data at ${JSON.stringify(location.slice(0, 200))} is outside the model's folder`,
      'put the weights beside the .onnx file'
    );
  }
  const path = join(folder, location);
  try {
    lstatSync(path);
  } catch {
    fail(
      `the weights file ${location} is missing`,
      'put it beside the .onnx file'
    );
  }
  const real = realpathSync(path);
  if (!allowedRoots(folder).some(root => real.startsWith(root + sep))) {
    fail(
      `external data at ${location} is a link that leads out of the model's folder`,
      'copy the weights file beside the .onnx file'
    );
  }
  const status = statSync(real);
  if (!status.isFile()) {
    fail(
      `external data at ${location} is not a file`,
      'export the model again'
    );
  }
  return { path: real, size: status.size };
}

/**
 * Points external data at the resolved files, since onnxruntime refuses links that leave the folder it is given.
 * @returns the folder that the locations are relative to
 */
export function followLinks(
  tensors: Iterable<TensorProto>,
  files: ReadonlyMap<string, ExternalFile>,
  modelFile: string
): string {
  const folder = realpathSync(dirname(modelFile));
  if ([...files.values()].every(({ path }) => path.startsWith(folder + sep))) {
    return folder;
  }
  // Only a snapshot in Hugging Face's cache gets here: its links and blobs share the repository's folder.
  const repository = dirname(allowedRoots(dirname(modelFile)).at(-1)!);
  for (const tensor of tensors) {
    for (const entry of isExternal(tensor) ? tensor.externalData : []) {
      const file = entry.key === 'location' && files.get(entry.value ?? '');
      if (file) {
        entry.value = relative(repository, file.path).split(sep).join('/');
      }
    }
  }
  return repository;
}

/**
 * Folders that resolved paths may lie in: the model's own, and for a snapshot in Hugging Face's cache
 * (`models--org--name/snapshots/revision/...`) the `blobs` that its files link to.
 */
function allowedRoots(folder: string): string[] {
  const own = realpathSync(folder);
  for (let at = own; dirname(at) !== at; at = dirname(at)) {
    const blobs = join(dirname(dirname(at)), 'blobs');
    if (basename(dirname(at)) === 'snapshots' && existsSync(blobs)) {
      return [own, realpathSync(blobs)];
    }
  }
  return [own];
}

/** All tensors of a graph: initializers, tensors in attributes, and those of subgraphs (bodies of If, Loop, Scan). */
export function* tensorsOf(
  graph: GraphProto
): Generator<TensorProto, void, undefined> {
  yield* graph.initializer;
  for (const node of graph.node) {
    for (const attribute of node.attribute) {
      if (attribute.t) {
        yield attribute.t;
      }
      yield* attribute.tensors;
      for (const body of attribute.g
        ? [attribute.g, ...attribute.graphs]
        : attribute.graphs) {
        yield* tensorsOf(body);
      }
    }
  }
}
