/** Attributes of a node by name and type. */
import type { AttributeProto, NodeProto, TensorProto } from '../file/schema';

/** A number is an INT attribute, `{ float }` a FLOAT, a list INTS. */
export type AttributeValue =
  number | { float: number } | readonly number[] | string | TensorProto;

function find(node: NodeProto, name: string): AttributeProto | undefined {
  return node.attribute.find(attribute => attribute.name === name);
}

export function attributeInt(
  node: NodeProto,
  name: string
): number | undefined {
  const attribute = find(node, name);
  // Writers may omit a zero: an attribute without `i` is 0.
  return attribute === undefined ? undefined : Number(attribute.i ?? 0);
}

export function attributeFloat(
  node: NodeProto,
  name: string
): number | undefined {
  const attribute = find(node, name);
  return attribute === undefined ? undefined : (attribute.f ?? 0);
}

export function attributeInts(
  node: NodeProto,
  name: string
): number[] | undefined {
  return find(node, name)?.ints.map(Number);
}

export function attributeText(
  node: NodeProto,
  name: string
): string | undefined {
  const bytes = find(node, name)?.s;
  return bytes && Buffer.from(bytes).toString('utf8');
}

export function attributeTensor(
  node: NodeProto,
  name: string
): TensorProto | undefined {
  return find(node, name)?.t ?? undefined;
}

export function writeAttribute(
  name: string,
  value: AttributeValue
): AttributeProto {
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
  if ('float' in value) {
    return { ...empty, type: TYPE.float, f: value.float };
  }
  return 'dims' in value
    ? { ...empty, type: TYPE.tensor, t: value }
    : { ...empty, type: TYPE.ints, ints: [...value] };
}

/** AttributeProto.AttributeType */
const TYPE = { float: 1, int: 2, string: 3, tensor: 4, ints: 7 };
