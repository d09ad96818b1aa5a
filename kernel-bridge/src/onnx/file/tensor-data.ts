/** Reads values of stored tensors: inline in the graph, in the model's file, or in external data. */
import { realpathSync } from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';
import { MoEDebuggerError } from '../../base/errors';
import { externalReference } from './external-data';
import { FileBytes } from './model-bytes';
import type { TensorProto } from './schema';
import { ELEMENT_BITS } from './schema';
import {
  bfloat16,
  byteSize,
  elementCount,
  float16,
  inlineValues,
  isExternal
} from './tensor';

/** Element types that `decode` reads: floats of 16 to 64 bits, integers of 8 to 64 bits. */
const READABLE = new Set([1, 2, 3, 4, 5, 6, 7, 10, 11, 16]);

/** Reads ranges of stored tensors; opens each file once. To be closed. */
export class TensorReader {
  private readonly _files = new Map<string, FileBytes>();

  /** @param _folder folder that the locations of external data are relative to */
  constructor(private readonly _folder: string) {}

  /**
   * Elements [from, to) of a tensor in row-major order.
   * @throws MoEDebuggerError 'model-unsupported' for an element type that is not read, 'external-data'
   */
  values(
    tensor: TensorProto,
    from = 0,
    to = elementCount(tensor)
  ): Float32Array {
    const type = tensor.dataType ?? 0;
    if (!READABLE.has(type)) {
      throw new MoEDebuggerError(
        'model-unsupported',
        'the element type of the tensor cannot be read',
        {
          where: `tensor ${tensor.name ?? ''}`,
          hint: 'export the model with weights of a common type'
        }
      );
    }
    if (!isExternal(tensor) && !(tensor.rawData && tensor.rawData.length > 0)) {
      return Float32Array.from(inlineValues(tensor)?.slice(from, to) ?? []);
    }
    const size = ELEMENT_BITS[type] / 8;
    return decode(tensor, this._bytes(tensor, from * size, to * size));
  }

  close(): void {
    this._files.forEach(file => file.close());
    this._files.clear();
  }

  private _bytes(tensor: TensorProto, from: number, to: number): Uint8Array {
    if (!isExternal(tensor)) {
      return tensor.rawData!.subarray(from, to);
    }
    const { location, offset, length } = externalReference(tensor);
    if (to > (length ?? byteSize(tensor))) {
      throw new MoEDebuggerError(
        'external-data',
        'the tensor ends before its last element',
        {
          where: `tensor ${tensor.name ?? ''}`,
          hint: 'export the model again'
        }
      );
    }
    let file = this._files.get(location);
    if (!file) {
      file = new FileBytes(this._path(location));
      this._files.set(location, file);
    }
    return file.slice(offset + from, offset + to);
  }

  /** Checks the path again: paths were validated when the model was read, but files may have changed since. */
  private _path(location: string): string {
    const folder = realpathSync(this._folder);
    const path = realpathSync(join(folder, location));
    const inside = relative(folder, path);
    if (inside.startsWith('..') || isAbsolute(inside)) {
      throw new MoEDebuggerError(
        'external-data',
        "the weights lie outside the model's folder",
        { where: location, hint: 'put them beside the .onnx file' }
      );
    }
    return path;
  }
}

function decode(tensor: TensorProto, bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = (size: number, at: (offset: number) => number): Float32Array => {
    const values = new Float32Array(bytes.byteLength / size);
    for (let i = 0; i < values.length; i++) {
      values[i] = at(i * size);
    }
    return values;
  };
  switch (tensor.dataType) {
    case 1:
      // Copied, because a Float32Array must start at a multiple of four bytes.
      return new Float32Array(new Uint8Array(bytes).buffer);
    case 2:
      return Float32Array.from(bytes);
    case 3:
      return Float32Array.from(new Int8Array(new Uint8Array(bytes).buffer));
    case 4:
      return read(2, at => view.getUint16(at, true));
    case 5:
      return read(2, at => view.getInt16(at, true));
    case 6:
      return read(4, at => view.getInt32(at, true));
    case 7:
      return read(8, at => Number(view.getBigInt64(at, true)));
    case 10:
      return read(2, at => float16(view.getUint16(at, true)));
    case 11:
      return read(8, at => view.getFloat64(at, true));
    default:
      return read(2, at => bfloat16(view.getUint16(at, true)));
  }
}
