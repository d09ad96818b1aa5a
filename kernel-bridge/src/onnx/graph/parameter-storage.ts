/** How a model's file stores its parameters: in which types, packed or not, and which tensors only scale others. */
import {
  ELEMENT_BITS,
  type GraphProto,
  type NodeProto,
  type TensorProto
} from '../file/schema';
import { byteSize, elementCount } from '../file/tensor';
import { attributeInt } from './attributes';

/** Stored tensors of one element width. */
export interface StoredBits {
  /** Bits of a parameter: 32, 16, 8, 4, ... */
  bits: number;
  /** Integers, which scales turn into numbers. */
  quantized: boolean;
  tensors: number;
  parameters: number;
}

export interface StoredSize {
  /** Scales and zero points are none; of packed integers each counts. */
  parameters: number;
  /** Of the tensors in the file, with scales and zero points. */
  bytes: number;
  /** By width, the widest first. */
  stored: StoredBits[];
}

/** Inputs that hold scales and zero points. */
const SCALES: ReadonlyMap<string, number[]> = new Map([
  ['DequantizeLinear', [1, 2]],
  ['MatMulInteger', [2, 3]],
  ['QLinearMatMul', [1, 2, 4, 5, 6, 7]],
  ['com.microsoft.DequantizeLinear', [1, 2]],
  ['com.microsoft.DynamicQuantizeMatMul', [2, 3]],
  ['com.microsoft.MatMulIntegerToFloat', [2, 3, 4, 5]],
  ['com.microsoft.MatMulNBits', [2, 3]],
  ['com.microsoft.GatherBlockQuantized', [2, 3]],
  ['com.microsoft.QMoE', [3, 6, 9, 11, 12, 13]]
]);

/** Operators that read several parameters from a byte, and which inputs hold these. */
const PACKED: ReadonlyMap<string, number[]> = new Map([
  ['com.microsoft.QMoE', [2, 5, 8]],
  ['com.microsoft.MatMulNBits', [1]],
  ['com.microsoft.GatherBlockQuantized', [0]]
]);

/** Operators whose output holds the values of their first input, or some of them. */
const VIEWS = new Set([
  'Identity',
  'Cast',
  'Reshape',
  'Transpose',
  'Squeeze',
  'Unsqueeze',
  'Flatten',
  'Gather',
  'Slice'
]);

const BYTE = 2;
const INDEX_TYPES: ReadonlySet<number> = new Set([6, 7, 9]);
const INTEGER_TYPES: ReadonlySet<number> = new Set([2, 3, 4, 5, 21, 22]);

/** Bits of each parameter that an operator reads from a byte; undefined for operators that read whole elements. */
export function packedBits(op: string, proto: NodeProto): number | undefined {
  return PACKED.has(op)
    ? (attributeInt(proto, 'expert_weight_bits') ??
        attributeInt(proto, 'bits') ??
        4)
    : undefined;
}

export class ParameterStorage {
  private readonly _scales = new Set<string>();
  private readonly _bits = new Map<string, number>();
  private readonly _tensors: { name: string; tensor: TensorProto }[] = [];
  /** By output of a view: what it views. */
  private readonly _viewed = new Map<string, string>();

  /** @param graph the whole graph, with its subgraphs */
  constructor(graph: GraphProto) {
    const nodes = [...this._read(graph)];
    const dynamicScales = new Set(
      nodes
        .filter(({ opType }) => opType === 'DynamicQuantizeLinear')
        .map(({ output }) => output[1])
    );
    for (const node of nodes) {
      const op = nameOf(node);
      const scales = (SCALES.get(op) ?? []).map(input => node.input[input]);
      if (op === 'Mul' && node.input.some(input => dynamicScales.has(input))) {
        scales.push(...node.input);
      }
      scales.forEach(name => this._scales.add(this._source(name ?? '')));
      const bits = packedBits(op, node);
      if (bits !== undefined) {
        PACKED.get(op)!.forEach(input =>
          this._bits.set(this._source(node.input[input] ?? ''), bits)
        );
      }
    }
  }

  /** Of all parameters of the graph: all stored tensors but shapes, indices and masks. */
  whole(): StoredSize {
    return this._sizeOf(this._tensors.map(stored => ({ ...stored, part: 1 })));
  }

  /** @param parts names of stored tensors, and how much of each counts, from 0 to 1 */
  sizeOf(parts: ReadonlyMap<string, number>): StoredSize {
    return this._sizeOf(
      this._tensors.flatMap(stored => {
        const part =
          parts.get(stored.name) ?? parts.get(stored.tensor.name ?? '');
        return part === undefined ? [] : [{ ...stored, part }];
      })
    );
  }

  private _sizeOf(
    parts: readonly { name: string; tensor: TensorProto; part: number }[]
  ): StoredSize {
    const byKind = new Map<string, StoredBits>();
    let bytes = 0;
    for (const { name, tensor, part } of parts) {
      const type = tensor.dataType ?? 0;
      if (INDEX_TYPES.has(type) || !(type in ELEMENT_BITS)) {
        continue;
      }
      bytes += byteSize(tensor) * part;
      if (this._scales.has(name)) {
        continue;
      }
      const inByte = type === BYTE ? (this._bits.get(name) ?? 8) : undefined;
      const bits = inByte ?? ELEMENT_BITS[type];
      const quantized = INTEGER_TYPES.has(type);
      const kind = `${bits} ${quantized}`;
      const own = byKind.get(kind) ?? {
        bits,
        quantized,
        tensors: 0,
        parameters: 0
      };
      own.tensors++;
      own.parameters += elementCount(tensor) * (8 / (inByte ?? 8)) * part;
      byKind.set(kind, own);
    }
    // Parts of a tensor that experts share are fractions.
    const stored = [...byKind.values()].map(own => ({
      ...own,
      parameters: Math.round(own.parameters)
    }));
    stored.sort(
      (a, b) => b.bits - a.bits || Number(a.quantized) - Number(b.quantized)
    );
    return {
      parameters: stored.reduce((sum, own) => sum + own.parameters, 0),
      bytes: Math.round(bytes),
      stored
    };
  }

  /** Notes tensors and views of a graph and its subgraphs. @returns all nodes */
  private *_read(graph: GraphProto): Generator<NodeProto, void, undefined> {
    for (const tensor of graph.initializer) {
      this._tensors.push({ name: tensor.name ?? '', tensor });
    }
    for (const node of graph.node) {
      yield node;
      const [output = ''] = node.output;
      if (VIEWS.has(nameOf(node))) {
        this._viewed.set(output, node.input[0] ?? '');
      }
      for (const { t, g, graphs } of node.attribute) {
        if (t && nameOf(node) === 'Constant') {
          this._tensors.push({ name: output, tensor: t });
        }
        for (const body of g ? [g, ...graphs] : graphs) {
          yield* this._read(body);
        }
      }
    }
  }

  private _source(name: string): string {
    let source = name;
    for (
      let viewed = this._viewed.get(source), seen = 0;
      viewed !== undefined && seen < this._viewed.size;
      viewed = this._viewed.get(source), seen++
    ) {
      source = viewed;
    }
    return source;
  }
}

function nameOf({ domain, opType = '' }: NodeProto): string {
  return domain && domain !== 'ai.onnx' ? `${domain}.${opType}` : opType;
}
