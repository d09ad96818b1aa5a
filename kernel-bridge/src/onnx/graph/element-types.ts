/** Type inference: the element type of each tensor, from declarations and operators. */
import { ELEMENT } from '../file/schema';
import { attributeInt, attributeTensor } from './attributes';
import type { Graph, GraphNode } from './graph';

/** Floating-point types, the only ones that have gradients. */
export const FLOAT_TYPES: ReadonlySet<number> = new Set([
  ELEMENT.float,
  ELEMENT.float16,
  ELEMENT.double,
  ELEMENT.bfloat16
]);

/** @returns element types by tensor; a tensor whose type cannot be inferred is missing */
export function elementTypes(graph: Graph): Map<string, number> {
  const types = new Map<string, number>();
  for (const { name, type } of [
    ...graph.proto.valueInfo,
    ...graph.proto.output,
    ...graph.proto.input
  ]) {
    if (name && type?.tensorType?.elemType) {
      types.set(name, type.tensorType.elemType);
    }
  }
  for (const { name, dataType } of graph.proto.initializer) {
    types.set(name ?? '', dataType ?? 0);
  }
  for (const node of graph.nodes) {
    node.outputs.forEach((output, index) => {
      const type = outputType(node, index, types);
      if (type !== undefined && output !== '') {
        types.set(output, type);
      }
    });
  }
  return types;
}

function outputType(
  node: GraphNode,
  output: number,
  types: ReadonlyMap<string, number>
): number | undefined {
  const of = (input: number): number | undefined =>
    types.get(node.inputs[input] ?? '');
  const { op, proto } = node;
  if (BOOLEAN_RESULT.has(op)) {
    return ELEMENT.bool;
  }
  if (INTEGER_RESULT.has(op) || (op === 'TopK' && output === 1)) {
    return ELEMENT.int64;
  }
  switch (op) {
    case 'Cast':
      return attributeInt(proto, 'to');
    case 'CastLike':
    case 'Where':
      return of(1);
    case 'Constant':
      return constantType(node);
    case 'ConstantOfShape':
      return attributeTensor(proto, 'value')?.dataType ?? ELEMENT.float;
    case 'OneHot':
      return of(2);
    case 'DequantizeLinear':
      return of(1);
    case 'com.microsoft.GatherBlockQuantized':
      return of(2);
    case 'QuantizeLinear':
      return of(2) ?? UINT8;
    case 'DynamicQuantizeLinear':
      return output === 1 ? ELEMENT.float : UINT8;
    case 'MatMulInteger':
    case 'ConvInteger':
      return ELEMENT.int32;
    case 'com.microsoft.EmbedLayerNormalization':
      return output === 1 ? ELEMENT.int32 : of(2);
    case 'If':
    case 'Loop':
    case 'Scan':
      return types.get(node.outputs[output]);
    default:
      return of(0) ?? types.get(node.outputs[output]);
  }
}

const UINT8 = 2;

function constantType({ proto }: GraphNode): number | undefined {
  const [attribute] = proto.attribute;
  switch (attribute?.name) {
    case 'value':
      return attribute.t?.dataType;
    case 'value_int':
    case 'value_ints':
      return ELEMENT.int64;
    case 'value_float':
    case 'value_floats':
      return ELEMENT.float;
    default:
      return undefined;
  }
}

/** Operators whose results are true or false, whatever they read. */
export const BOOLEAN_RESULT: ReadonlySet<string> = new Set([
  'Equal',
  'Greater',
  'GreaterOrEqual',
  'Less',
  'LessOrEqual',
  'And',
  'Or',
  'Xor',
  'Not',
  'IsNaN',
  'IsInf'
]);
/** Operators whose results are int64, whatever they read. */
export const INTEGER_RESULT: ReadonlySet<string> = new Set([
  'Shape',
  'Size',
  'NonZero',
  'ArgMax',
  'ArgMin'
]);
