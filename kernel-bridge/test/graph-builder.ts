/** Builds small ONNX graphs in tests: nodes and tensors in, a model that runs out. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  ELEMENT,
  encodeModelProto,
  type AttributeProto,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto
} from '../src/onnx/file/schema';
import { temporaryFolder } from './temporary';

export { temporaryFolder };

export type Attributes = Record<
  string,
  number | number[] | string | TensorProto | GraphProto | { float: number }
>;
export type Dims = (number | string)[];

export interface BuilderOptions {
  seed?: number;
  opset?: number;
}

const UINT8 = 2;
const INT8 = 3;

export class GraphBuilder {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  readonly inputs: ValueInfoProto[] = [];
  readonly outputs: ValueInfoProto[] = [];
  readonly random: () => number;
  private readonly _opset: number;
  private _names = 0;

  constructor({ seed = 1, opset = 18 }: BuilderOptions = {}) {
    this.random = randomNumbers(seed);
    this._opset = opset;
  }

  input(name: string, type: keyof typeof ELEMENT, dims: Dims): string {
    this.inputs.push(valueInfo(name, type, dims));
    return name;
  }

  output(
    name: string,
    type: keyof typeof ELEMENT = 'float',
    dims?: Dims
  ): void {
    this.outputs.push(valueInfo(name, type, dims));
  }

  /** Values between -scale and scale. */
  weight(dims: number[], scale = 1, name = this.name('weight')): string {
    const size = dims.reduce((product, n) => product * n, 1);
    const values = Float32Array.from(
      { length: size },
      () => (this.random() * 2 - 1) * scale
    );
    return this.floats(values, dims, name);
  }

  floats(
    values: ArrayLike<number>,
    dims = [values.length],
    name = this.name('floats')
  ): string {
    const data = Float32Array.from(values);
    this.initializers.push(
      tensor(name, ELEMENT.float, dims, new Uint8Array(data.buffer))
    );
    return name;
  }

  ints(
    values: readonly number[],
    dims = [values.length],
    name = this.name('ints')
  ): string {
    const data = BigInt64Array.from(values, BigInt);
    this.initializers.push(
      tensor(name, ELEMENT.int64, dims, new Uint8Array(data.buffer))
    );
    return name;
  }

  /** Values between -128 and 127, as quantised weights are stored. */
  int8(dims: number[], name = this.name('int8')): string {
    const size = dims.reduce((product, n) => product * n, 1);
    const values = Int8Array.from(
      { length: size },
      () => this.random() * 256 - 128
    );
    this.initializers.push(
      tensor(name, INT8, dims, new Uint8Array(values.buffer))
    );
    return name;
  }

  /** Bytes of any value, as 4-bit weights are packed. */
  uint8(dims: number[], name = this.name('uint8')): string {
    const size = dims.reduce((product, n) => product * n, 1);
    const values = Uint8Array.from({ length: size }, () => this.random() * 256);
    this.initializers.push(tensor(name, UINT8, dims, values));
    return name;
  }

  /** Adds a node with one output and returns its name. */
  op(op: string, inputs: string[], attributes: Attributes = {}): string {
    return this.many(op, inputs, 1, attributes)[0];
  }

  many(
    op: string,
    inputs: string[],
    outputs: number,
    attributes: Attributes = {}
  ): string[] {
    const names = Array.from({ length: outputs }, () => this.name('t'));
    const [domain, opType] = op.includes('.')
      ? [op.slice(0, op.lastIndexOf('.')), op.slice(op.lastIndexOf('.') + 1)]
      : ['', op];
    this.nodes.push({
      opType,
      ...(domain ? { domain } : {}),
      input: inputs,
      output: names,
      attribute: Object.entries(attributes).map(([name, value]) =>
        attribute(name, value)
      )
    });
    return names;
  }

  /** A node over axes: since opset 13 (18 for ReduceL1) they are an input, before that an attribute. */
  over(
    op: string,
    input: string,
    axes: number[],
    attributes: Attributes = {}
  ): string {
    return this._opset >= (op === 'ReduceL1' ? 18 : 13)
      ? this.op(op, [input, this.ints(axes)], attributes)
      : this.op(op, [input], { ...attributes, axes });
  }

  name(prefix: string): string {
    return `${prefix}_${this._names++}`;
  }

  build(): ModelProto & { graph: GraphProto } {
    return {
      irVersion: 8,
      producerName: 'graph-builder',
      opsetImport: [
        { domain: '', version: this._opset },
        { domain: 'com.microsoft', version: 1 }
      ],
      functions: [],
      graph: {
        name: 'graph',
        node: this.nodes,
        initializer: this.initializers,
        input: this.inputs,
        output: this.outputs,
        valueInfo: []
      }
    };
  }

  /** Writes model.onnx into a folder, a fresh one when none is given, and returns the folder. */
  save(folder = temporaryFolder()): string {
    return saveModel(this.build(), folder);
  }
}

export function saveModel(
  model: ModelProto,
  folder = temporaryFolder()
): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'model.onnx'), encodeModelProto(model));
  return folder;
}

export function tensor(
  name: string,
  dataType: number,
  dims: number[],
  rawData?: Uint8Array
): TensorProto {
  return {
    name,
    dataType,
    dims,
    ...(rawData ? { rawData } : {}),
    floatData: [],
    int32Data: [],
    int64Data: [],
    doubleData: [],
    uint64Data: [],
    externalData: []
  };
}

/** The same sequence for the same seed: mulberry32. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function valueInfo(
  name: string,
  type: keyof typeof ELEMENT,
  dims?: Dims
): ValueInfoProto {
  return {
    name,
    type: {
      tensorType: {
        elemType: ELEMENT[type],
        ...(dims
          ? {
              shape: {
                dim: dims.map(dim =>
                  typeof dim === 'number'
                    ? { dimValue: dim }
                    : { dimParam: dim }
                )
              }
            }
          : {})
      }
    }
  };
}

/** Types of AttributeProto. */
const TYPE = { float: 1, int: 2, string: 3, tensor: 4, graph: 5, ints: 7 };

function attribute(name: string, value: Attributes[string]): AttributeProto {
  const empty: AttributeProto = {
    name,
    floats: [],
    ints: [],
    strings: [],
    tensors: [],
    graphs: []
  };
  if (typeof value === 'number') {
    return { ...empty, type: TYPE.int, i: value };
  }
  if (typeof value === 'string') {
    return { ...empty, type: TYPE.string, s: Buffer.from(value) };
  }
  if (Array.isArray(value)) {
    return { ...empty, type: TYPE.ints, ints: value };
  }
  if ('float' in value) {
    return { ...empty, type: TYPE.float, f: value.float };
  }
  return 'node' in value
    ? { ...empty, type: TYPE.graph, g: value }
    : { ...empty, type: TYPE.tensor, t: value };
}
