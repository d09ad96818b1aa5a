/**
 * The protobuf messages of ONNX (onnx.proto, IR version 13) that this project reads or writes. Other fields survive
 * decoding and encoding as unknown fields.
 */
import { Reader, Root, type Type } from 'protobufjs/light';

/** A 64-bit integer: written as a number, read as protobufjs's Long. `Number` converts both. */
export type Int64 = number | { low: number; high: number; unsigned: boolean };

export interface StringEntry {
  key?: string;
  value?: string;
}

export interface TensorProto {
  dims: Int64[];
  dataType?: number;
  floatData: number[];
  int32Data: number[];
  int64Data: Int64[];
  doubleData: number[];
  uint64Data: Int64[];
  name?: string;
  rawData?: Uint8Array;
  externalData: StringEntry[];
  dataLocation?: number;
}

export interface DimensionProto {
  dimValue?: Int64;
  dimParam?: string;
}

export interface ValueInfoProto {
  name?: string;
  type?: {
    tensorType?: { elemType?: number; shape?: { dim: DimensionProto[] } };
  };
}

export interface AttributeProto {
  name?: string;
  type?: number;
  f?: number;
  i?: Int64;
  s?: Uint8Array;
  t?: TensorProto;
  g?: GraphProto;
  floats: number[];
  ints: Int64[];
  strings: Uint8Array[];
  tensors: TensorProto[];
  graphs: GraphProto[];
  refAttrName?: string;
}

export interface NodeProto {
  input: string[];
  output: string[];
  name?: string;
  opType?: string;
  domain?: string;
  overload?: string;
  attribute: AttributeProto[];
}

export interface GraphProto {
  node: NodeProto[];
  name?: string;
  initializer: TensorProto[];
  input: ValueInfoProto[];
  output: ValueInfoProto[];
  valueInfo: ValueInfoProto[];
}

export interface FunctionProto {
  name?: string;
  domain?: string;
  overload?: string;
  input: string[];
  output: string[];
  attribute: string[];
  attributeProto: AttributeProto[];
  node: NodeProto[];
  opsetImport: OperatorSetProto[];
}

export interface OperatorSetProto {
  domain?: string;
  version?: Int64;
}

export interface ModelProto {
  irVersion?: Int64;
  opsetImport: OperatorSetProto[];
  producerName?: string;
  producerVersion?: string;
  graph?: GraphProto;
  functions: FunctionProto[];
}

type Field = [type: string, id: number, rule?: 'repeated'];

/** Field numbers that skeleton.ts looks for in the wire format, to skip the weights. */
export const FIELD = {
  model: { graph: 7, functions: 25 },
  graph: { node: 1, initializer: 5 },
  node: { attribute: 5 },
  function: { node: 7 },
  attribute: { t: 5, g: 6, tensors: 10, graphs: 11 },
  tensor: {
    dims: 1,
    dataType: 2,
    floatData: 4,
    int32Data: 5,
    rawData: 9,
    doubleData: 10,
    externalData: 13,
    dataLocation: 14
  }
} as const;

const MESSAGES: Record<string, Record<string, Field>> = {
  StringStringEntryProto: { key: ['string', 1], value: ['string', 2] },
  OperatorSetIdProto: { domain: ['string', 1], version: ['int64', 2] },
  TensorProto: {
    dims: ['int64', 1, 'repeated'],
    dataType: ['int32', 2],
    floatData: ['float', 4, 'repeated'],
    int32Data: ['int32', 5, 'repeated'],
    int64Data: ['int64', 7, 'repeated'],
    name: ['string', 8],
    rawData: ['bytes', 9],
    doubleData: ['double', 10, 'repeated'],
    uint64Data: ['uint64', 11, 'repeated'],
    externalData: ['StringStringEntryProto', 13, 'repeated'],
    dataLocation: ['int32', 14]
  },
  DimensionProto: { dimValue: ['int64', 1], dimParam: ['string', 2] },
  TensorShapeProto: { dim: ['DimensionProto', 1, 'repeated'] },
  TensorTypeProto: { elemType: ['int32', 1], shape: ['TensorShapeProto', 2] },
  TypeProto: { tensorType: ['TensorTypeProto', 1] },
  ValueInfoProto: { name: ['string', 1], type: ['TypeProto', 2] },
  AttributeProto: {
    name: ['string', 1],
    f: ['float', 2],
    i: ['int64', 3],
    s: ['bytes', 4],
    t: ['TensorProto', 5],
    g: ['GraphProto', 6],
    floats: ['float', 7, 'repeated'],
    ints: ['int64', 8, 'repeated'],
    strings: ['bytes', 9, 'repeated'],
    tensors: ['TensorProto', 10, 'repeated'],
    graphs: ['GraphProto', 11, 'repeated'],
    type: ['int32', 20],
    refAttrName: ['string', 21]
  },
  NodeProto: {
    input: ['string', 1, 'repeated'],
    output: ['string', 2, 'repeated'],
    name: ['string', 3],
    opType: ['string', 4],
    attribute: ['AttributeProto', 5, 'repeated'],
    domain: ['string', 7],
    overload: ['string', 8]
  },
  GraphProto: {
    node: ['NodeProto', 1, 'repeated'],
    name: ['string', 2],
    initializer: ['TensorProto', 5, 'repeated'],
    input: ['ValueInfoProto', 11, 'repeated'],
    output: ['ValueInfoProto', 12, 'repeated'],
    valueInfo: ['ValueInfoProto', 13, 'repeated']
  },
  FunctionProto: {
    name: ['string', 1],
    input: ['string', 4, 'repeated'],
    output: ['string', 5, 'repeated'],
    attribute: ['string', 6, 'repeated'],
    node: ['NodeProto', 7, 'repeated'],
    opsetImport: ['OperatorSetIdProto', 9, 'repeated'],
    domain: ['string', 10],
    attributeProto: ['AttributeProto', 11, 'repeated'],
    overload: ['string', 13]
  },
  ModelProto: {
    irVersion: ['int64', 1],
    producerName: ['string', 2],
    producerVersion: ['string', 3],
    graph: ['GraphProto', 7],
    opsetImport: ['OperatorSetIdProto', 8, 'repeated'],
    functions: ['FunctionProto', 25, 'repeated']
  }
};

const root = Root.fromJSON({
  nested: Object.fromEntries(
    Object.entries(MESSAGES).map(([name, fields]) => [
      name,
      {
        fields: Object.fromEntries(
          Object.entries(fields).map(([field, [type, id, rule]]) => [
            field,
            // ONNX is proto2, where repeated scalars are unpacked unless declared otherwise; readers accept both.
            {
              type,
              id,
              ...(rule
                ? {
                    rule,
                    options: { packed: type !== 'string' && type !== 'bytes' }
                  }
                : {})
            }
          ])
        )
      }
    ])
  )
});
const modelType: Type = root.lookupType('ModelProto');

/** @throws RangeError or an error of protobufjs for bytes that are not a ModelProto */
export function decodeModelProto(bytes: Uint8Array): ModelProto {
  const reader = Reader.create(bytes);
  reader.discardUnknown = false;
  return modelType.decode(reader) as unknown as ModelProto;
}

export function encodeModelProto(model: ModelProto): Uint8Array {
  return modelType.encode(model as never).finish();
}

/** Size of an element in bits, by TensorProto.DataType. */
export const ELEMENT_BITS: Record<number, number> = {
  1: 32, // float
  2: 8, // uint8
  3: 8, // int8
  4: 16, // uint16
  5: 16, // int16
  6: 32, // int32
  7: 64, // int64
  9: 8, // bool
  10: 16, // float16
  11: 64, // double
  12: 32, // uint32
  13: 64, // uint64
  14: 64, // complex64
  15: 128, // complex128
  16: 16, // bfloat16
  17: 8, // float8e4m3fn
  18: 8, // float8e4m3fnuz
  19: 8, // float8e5m2
  20: 8, // float8e5m2fnuz
  21: 4, // uint4
  22: 4, // int4
  23: 4, // float4e2m1
  24: 8 // float8e8m0
};

export const ELEMENT = {
  float: 1,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  double: 11,
  bfloat16: 16
} as const;
