/**
 * A model without its weights. The file is walked once along the wire format; every large tensor is replaced by a
 * reference to its bytes in that same file (ONNX external data: location, offset, length), and everything else is
 * copied as it is. What comes out is small however large the model is, decodes with a protobuf library, and runs:
 * onnxruntime reads the weights from the file itself.
 */
import { basename } from 'node:path';
import { MoEDebuggerError } from '../../base/errors';
import { FileBytes, truncated } from './model-bytes';
import { ELEMENT, FIELD } from './schema';

/** Tensors up to this size stay inline: shape inference and router patterns read axes, k, shapes and biases. */
const MAX_INLINE_BYTES = 4096;
/** Far above any exported graph without its weights: bounds the memory that an untrusted file takes. */
const MAX_SKELETON_BYTES = 256 << 20;
const MAX_DEPTH = 64;

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/**
 * @returns the bytes of a ModelProto whose large tensors refer to `path` itself
 * @throws MoEDebuggerError 'model-invalid'
 */
export function readSkeleton(path: string): Buffer {
  const file = new FileBytes(path);
  try {
    return new SkeletonReader(file).read();
  } finally {
    file.close();
  }
}

interface WireField {
  number: number;
  type: number;
  /** Byte offsets of the field's key, of its value, and of the end of the value. */
  start: number;
  value: number;
  end: number;
}

type Rule = (field: WireField, depth: number) => Pieces | undefined;

/** A list of buffers, so that the length of a nested message is known before it is written. */
class Pieces {
  readonly parts: Buffer[] = [];
  length = 0;

  add(part: Buffer): void {
    this.parts.push(part);
    this.length += part.length;
  }

  addMessage(number: number, message: Pieces): void {
    this.add(varints((number << 3) | BYTES, message.length));
    for (const part of message.parts) {
      this.parts.push(part);
    }
    this.length += message.length;
  }
}

class SkeletonReader {
  private _copied = 0;

  constructor(private readonly _file: FileBytes) {}

  read(): Buffer {
    const model = this._rewrite(0, this._file.size, 0, (field, depth) => {
      switch (field.number) {
        case FIELD.model.graph:
          return this._graph(field, depth);
        case FIELD.model.functions:
          return this._rewrite(field.value, field.end, depth, (inner, d) =>
            inner.number === FIELD.function.node
              ? this._node(inner, d)
              : undefined
          );
        default:
          return undefined;
      }
    });
    return Buffer.concat(model.parts, model.length);
  }

  private _graph(field: WireField, depth: number): Pieces {
    return this._rewrite(field.value, field.end, depth, (inner, d) => {
      switch (inner.number) {
        case FIELD.graph.node:
          return this._node(inner, d);
        case FIELD.graph.initializer:
          return this._tensor(inner, d);
        default:
          return undefined;
      }
    });
  }

  private _node(field: WireField, depth: number): Pieces | undefined {
    return this._rewriteLarge(field, depth, (inner, d) =>
      inner.number === FIELD.node.attribute
        ? this._rewriteLarge(inner, d, (part, deeper) => {
            switch (part.number) {
              case FIELD.attribute.t:
              case FIELD.attribute.tensors:
                return this._tensor(part, deeper);
              case FIELD.attribute.g:
              case FIELD.attribute.graphs:
                return this._graph(part, deeper);
              default:
                return undefined;
            }
          })
        : undefined
    );
  }

  private _tensor(field: WireField, depth: number): Pieces | undefined {
    if (field.end - field.value <= MAX_INLINE_BYTES) {
      return undefined;
    }
    let dataType = 0;
    this._fields(field.value, field.end, part => {
      if (part.number === FIELD.tensor.dataType && part.type === VARINT) {
        dataType = this._varint(part.value, part.end)[0];
      }
    });
    let data: WireField | undefined;
    const tensor = this._rewrite(
      field.value,
      field.end,
      depth,
      part => {
        // Packed floats and doubles are the same bytes as raw data.
        const raw =
          part.number === FIELD.tensor.rawData ||
          (part.number === FIELD.tensor.floatData &&
            dataType === ELEMENT.float) ||
          (part.number === FIELD.tensor.doubleData &&
            dataType === ELEMENT.double);
        if (
          raw &&
          part.type === BYTES &&
          part.end - part.value > MAX_INLINE_BYTES &&
          !data
        ) {
          data = part;
          return new Pieces();
        }
        return undefined;
      },
      true
    );
    if (data) {
      for (const [key, value] of [
        ['location', basename(this._file.path)],
        ['offset', String(data.value)],
        ['length', String(data.end - data.value)]
      ]) {
        const entry = new Pieces();
        entry.add(text(1, key));
        entry.add(text(2, value));
        tensor.addMessage(FIELD.tensor.externalData, entry);
      }
      tensor.add(varints((FIELD.tensor.dataLocation << 3) | VARINT, 1));
    }
    return tensor;
  }

  /** Small messages cannot hold a large tensor and are copied whole. */
  private _rewriteLarge(
    field: WireField,
    depth: number,
    rule: Rule
  ): Pieces | undefined {
    return field.end - field.value <= MAX_INLINE_BYTES
      ? undefined
      : this._rewrite(field.value, field.end, depth, rule);
  }

  /** Rewrites a message field by field; a field for which `rule` returns nothing is copied. */
  private _rewrite(
    start: number,
    end: number,
    depth: number,
    rule: Rule,
    dropEmpty = false
  ): Pieces {
    if (depth > MAX_DEPTH) {
      throw this._invalid(start, 'graphs are nested too deeply');
    }
    const out = new Pieces();
    let copyFrom = start;
    const flush = (to: number): void => {
      if (to > copyFrom) {
        this._copied += to - copyFrom;
        if (this._copied > MAX_SKELETON_BYTES) {
          throw this._invalid(
            copyFrom,
            `the graph without its weights is larger than ${MAX_SKELETON_BYTES >> 20} MB`
          );
        }
        out.add(this._file.slice(copyFrom, to));
      }
    };
    this._fields(start, end, field => {
      const replaced =
        field.type === BYTES ? rule(field, depth + 1) : undefined;
      if (replaced) {
        flush(field.start);
        if (!dropEmpty || replaced.length > 0) {
          out.addMessage(field.number, replaced);
        }
        copyFrom = field.end;
      }
    });
    flush(end);
    return out;
  }

  private _fields(
    start: number,
    end: number,
    visit: (field: WireField) => void
  ): void {
    let at = start;
    while (at < end) {
      const [key, value] = this._varint(at, end);
      const type = key & 7;
      const number = Math.floor(key / 8);
      let stop: number;
      let from = value;
      if (type === VARINT) {
        stop = this._varint(value, end)[1];
      } else if (type === FIXED64) {
        stop = value + 8;
      } else if (type === FIXED32) {
        stop = value + 4;
      } else if (type === BYTES) {
        const [length, content] = this._varint(value, end);
        from = content;
        stop = content + length;
      } else {
        throw this._invalid(at, `unknown wire type ${type}`);
      }
      if (number === 0 || stop > end) {
        throw truncated(this._file.path, at);
      }
      visit({ number, type, start: at, value: from, end: stop });
      at = stop;
    }
  }

  /** The value, exact up to 2^53, and the offset after it. */
  private _varint(at: number, end: number): [number, number] {
    let value = 0;
    let scale = 1;
    for (let i = at; i < end && i < at + 10; i++) {
      const byte = this._file.byte(i);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        return [value, i + 1];
      }
      scale *= 128;
    }
    throw truncated(this._file.path, at);
  }

  private _invalid(offset: number, what: string): MoEDebuggerError {
    return new MoEDebuggerError(
      'model-invalid',
      `this is not an ONNX model: ${what} at byte ${offset}`,
      {
        where: this._file.path,
        hint: 'export it again, or check that it is the .onnx file'
      }
    );
  }
}

function varints(...values: number[]): Buffer {
  const bytes: number[] = [];
  for (let value of values) {
    while (value > 0x7f) {
      bytes.push((value % 128) + 128);
      value = Math.floor(value / 128);
    }
    bytes.push(value);
  }
  return Buffer.from(bytes);
}

function text(number: number, value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  return Buffer.concat([varints((number << 3) | BYTES, bytes.length), bytes]);
}
