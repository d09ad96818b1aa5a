/** Weights outside the .onnx file come from whoever made the model: no path may lead out of the model's folder. */
import { lstatSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, sep } from 'node:path';
import { MoEDebuggerError } from '../errors';
import type { GraphProto, TensorProto } from './schema';
import { byteSize, isExternal } from './tensor';

export interface ExternalReference {
  location: string;
  offset: number;
  /** Undefined: to the end of the file. */
  length?: number;
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
 * Checks every external tensor of a graph and its bodies against the files on disk.
 *
 * @returns total bytes of the files referred to, by location
 * @throws MoEDebuggerError 'external-data' naming the tensor: a path that is absolute, leads upwards or through a
 * link, a file that is missing, or a range beyond its end.
 */
export function checkExternalData(
  tensors: Iterable<TensorProto>,
  modelFile: string
): Map<string, number> {
  const folder = dirname(modelFile);
  const sizes = new Map<string, number>();
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
    let size = sizes.get(location);
    if (size === undefined) {
      size = fileSize(folder, location, fail);
      sizes.set(location, size);
    }
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
        'the weights file is truncated or of another model: download or export both again'
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
  return sizes;
}

function fileSize(
  folder: string,
  location: string,
  fail: (what: string, hint: string) => never
): number {
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
  // A model cache links whole snapshots into a blob store, so a link is judged by where the model itself leads.
  const real = realpathSync(path);
  const allowed = [realpathSync(folder)];
  if (
    lstatSync(path).isSymbolicLink() &&
    !allowed.some(root => real.startsWith(root + sep))
  ) {
    fail(
      `external data at ${location} is a link that leads out of the model's folder`,
      'copy the weights file beside the .onnx file'
    );
  }
  if (!allowed.some(root => real.startsWith(root + sep))) {
    fail(
      `external data at ${location} leads out of the model's folder`,
      'copy the weights file beside the .onnx file'
    );
  }
  const status = statSync(real);
  if (!status.isFile()) {
    fail(`external data at ${location} is not a file`, 'export the model again');
  }
  return status.size;
}

/** All tensors of a graph: initializers, tensors in attributes, and those of nested bodies. */
export function* tensorsOf(graph: GraphProto): Generator<TensorProto, void, undefined> {
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
