/**
 * A graph that compares next-token distributions inside onnxruntime: a sweep computes gigabytes of logits, and only one
 * number per position leaves the worker.
 */
import {
  ELEMENT,
  encodeModelProto,
  type AttributeProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto
} from '../../onnx/file/schema';

/** Any float type, [batch, tokens, vocabulary]. */
export const LOGITS = 'logits';
/** float, [1 or batch, tokens, vocabulary]: log p of the reference distributions, at least `MIN_LOG`. */
export const REFERENCE = 'reference';
/** int64, [batch, tokens, 1]: the token that follows each. */
export const NEXT = 'next';
/** float, [batch, tokens, 1]: log q of the token that follows. */
export const NEXT_LOG = 'next_log';
/** float, [batch, tokens, 1]: KL(p || q) = Σ p (log p − log q), q = softmax(logits). */
export const DIVERGENCE = 'divergence';

/** Replaces the logarithm of zero: its exponential is exactly 0 in float32, and a difference of two is not NaN. */
export const MIN_LOG = -1e4;

const OPSET = 13;

/** @param logitsType ONNX element type of the logits */
export function measureGraph(logitsType: number): Uint8Array {
  const nodes: NodeProto[] = [
    node('Cast', [LOGITS], 'float', { name: 'to', type: 2, i: ELEMENT.float }),
    node('LogSoftmax', ['float'], 'log', { name: 'axis', type: 2, i: -1 }),
    // NaN stays NaN, so that a broken distribution has no divergence.
    node('Max', ['log', 'least'], 'bounded'),
    node('GatherElements', ['bounded', NEXT], NEXT_LOG, {
      name: 'axis',
      type: 2,
      i: -1
    }),
    node('Sub', [REFERENCE, 'bounded'], 'difference'),
    node('Exp', [REFERENCE], 'p'),
    node('Mul', ['difference', 'p'], 'terms'),
    node('ReduceSum', ['terms', 'axes'], DIVERGENCE)
  ];
  return encodeModelProto({
    irVersion: 8,
    producerName: 'moe-debugger',
    opsetImport: [{ domain: '', version: OPSET }],
    functions: [],
    graph: {
      name: 'measure',
      node: nodes,
      initializer: [
        { ...constant('least', ELEMENT.float), floatData: [MIN_LOG] },
        { ...constant('axes', ELEMENT.int64, [1]), int64Data: [-1] }
      ],
      input: [
        value(LOGITS, logitsType),
        value(REFERENCE, ELEMENT.float),
        value(NEXT, ELEMENT.int64)
      ],
      output: [
        value(DIVERGENCE, ELEMENT.float),
        value(NEXT_LOG, ELEMENT.float)
      ],
      valueInfo: []
    }
  });
}

function node(
  opType: string,
  input: string[],
  output: string,
  attribute?: Pick<AttributeProto, 'name' | 'type' | 'i'>
): NodeProto {
  return {
    opType,
    input,
    output: [output],
    attribute: attribute
      ? [
          {
            ...attribute,
            floats: [],
            ints: [],
            strings: [],
            tensors: [],
            graphs: []
          }
        ]
      : []
  };
}

function constant(
  name: string,
  dataType: number,
  dims: number[] = []
): TensorProto {
  return {
    name,
    dataType,
    dims,
    floatData: [],
    int32Data: [],
    int64Data: [],
    doubleData: [],
    uint64Data: [],
    externalData: []
  };
}

function value(name: string, elemType: number): ValueInfoProto {
  return { name, type: { tensorType: { elemType } } };
}
