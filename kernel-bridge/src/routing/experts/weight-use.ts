/** How a node uses stored weights: in a product, in a gather by expert, or as a bias. */
import type { Graph, GraphNode } from '../../onnx/graph/graph';
import { sourceOf } from '../../onnx/graph/no-ops';
import { isWeightProduct } from '../router-input';
import type { ExpertWeight } from './expert';

export interface WeightUse {
  node: GraphNode;
  weight: Omit<ExpertWeight, 'slice' | 'role'>;
  /** Dims as the node reads them. */
  dims: number[];
  kind: 'product' | 'lookup' | 'bias';
  /** The expert whose slice is read, where it is a single one. */
  slice?: number;
}

const LOOKUPS = new Set([
  'Gather',
  'GatherND',
  'com.microsoft.GatherBlockQuantized'
]);
export function weightUses(
  graph: Graph,
  node: GraphNode,
  routed: ReadonlySet<string>
): WeightUse[] {
  const uses: WeightUse[] = [];
  const add = (
    input: string | undefined,
    kind: WeightUse['kind'],
    scales?: string,
    zeroPoint?: string
  ): void => {
    const found = input ? storedWeight(graph, input) : undefined;
    if (found && found.dims.some(size => size > 1)) {
      const { dims, slice, ...weight } = found;
      uses.push({
        node,
        kind,
        dims,
        weight: withScales(graph, weight, scales, zeroPoint),
        ...(slice === undefined ? {} : { slice })
      });
    }
  };
  const { op, inputs } = node;
  if (LOOKUPS.has(op)) {
    if (routed.has(inputs[1])) {
      add(
        inputs[0],
        'lookup',
        op.endsWith('Quantized') ? inputs[2] : undefined
      );
    }
  } else if (op === 'Gemm' || op === 'com.microsoft.FusedGemm') {
    add(inputs[1], 'product');
    add(inputs[2], 'bias');
  } else if (op === 'com.microsoft.MatMulNBits') {
    add(inputs[1], 'product', inputs[2], inputs[3]);
  } else if (INTEGER_PRODUCTS.has(op)) {
    const { scales, zeroPoint } = integerScales(graph, node);
    add(inputs[1], 'product', scales, zeroPoint);
  } else if (
    op === 'MatMul' ||
    op === 'Einsum' ||
    isWeightProduct(graph, node)
  ) {
    inputs.forEach(input => add(input, 'product'));
  } else if (op === 'Add') {
    inputs.forEach(input => add(input, 'bias'));
  }
  return uses;
}

/** Products of quantised activations with quantised weights. */
const INTEGER_PRODUCTS = new Set([
  'MatMulInteger',
  'com.microsoft.MatMulIntegerToFloat',
  'com.microsoft.DynamicQuantizeMatMul'
]);

/** Scales of a quantised product. A MatMulInteger is followed by a Cast and a Mul by the product of both scales. */
function integerScales(
  graph: Graph,
  { op, inputs, outputs }: GraphNode
): { scales?: string; zeroPoint?: string } {
  if (op === 'com.microsoft.DynamicQuantizeMatMul') {
    return { scales: inputs[2], zeroPoint: inputs[3] };
  }
  if (op === 'com.microsoft.MatMulIntegerToFloat') {
    return { scales: inputs[3], zeroPoint: inputs[5] };
  }
  const scaled = graph
    .consumers(outputs[0])
    .filter(node => node.op === 'Cast')
    .flatMap(node => graph.consumers(node.outputs[0]))
    .find(node => node.op === 'Mul');
  const scales = scaled?.inputs
    .flatMap(input => graph.producer(input)?.inputs ?? [])
    .find(input => graph.weightOf(input) !== undefined);
  return { scales, zeroPoint: inputs[3] };
}

type Stored = Omit<ExpertWeight, 'role'> & { dims: number[] };

function storedWeight(graph: Graph, tensor: string): Stored | undefined {
  const stored = graph.weightOf(tensor);
  const dims = stored?.dims ?? (stored && reshapedTo(graph, tensor));
  if (dims && stored?.tensor.name) {
    return {
      tensor: stored.tensor.name,
      dims,
      ...dequantised(graph, tensor)
    };
  }
  let { node } = sourceOf(graph, tensor);
  if (node?.op === 'Transpose') {
    ({ node } = sourceOf(graph, node.inputs[0]));
  }
  if (node?.op !== 'Gather') {
    return undefined;
  }
  // One expert's slice of a stacked tensor.
  const slice = graph.constantScalar(node.inputs[1]);
  const whole = graph.weightOf(node.inputs[0]);
  return slice !== undefined && whole?.dims && whole.tensor.name
    ? {
        tensor: whole.tensor.name,
        dims: whole.dims.slice(1),
        slice: slice < 0 ? slice + whole.dims[0] : slice,
        ...dequantised(graph, node.inputs[0])
      }
    : undefined;
}

/** Dims of a stored tensor after a Reshape to constant dims. */
function reshapedTo(graph: Graph, tensor: string): number[] | undefined {
  const node = graph.producer(tensor);
  const dims =
    node?.op === 'Reshape' ? graph.constantValues(node.inputs[1]) : undefined;
  return dims?.every(size => size > 0) ? dims : undefined;
}

/** The scales and zero points of a DequantizeLinear between a tensor and its stored weight. */
function dequantised(
  graph: Graph,
  tensor: string
): Pick<ExpertWeight, 'quantized' | 'scales' | 'zeroPoint'> {
  for (
    let node = graph.producer(tensor);
    node;
    node = graph.producer(node.inputs[0])
  ) {
    if (node.op === 'DequantizeLinear') {
      return named(graph, node.inputs[1], node.inputs[2]);
    }
  }
  return { quantized: false };
}

function withScales(
  graph: Graph,
  weight: Omit<ExpertWeight, 'slice' | 'role'>,
  scales: string | undefined,
  zeroPoint: string | undefined
): Omit<ExpertWeight, 'slice' | 'role'> {
  return scales ? { ...weight, ...named(graph, scales, zeroPoint) } : weight;
}

function named(
  graph: Graph,
  scales: string,
  zeroPoint: string | undefined
): Pick<ExpertWeight, 'quantized' | 'scales' | 'zeroPoint'> {
  const scaledBy = graph.weightOf(scales)?.tensor.name;
  const shiftedBy = zeroPoint
    ? graph.weightOf(zeroPoint)?.tensor.name
    : undefined;
  return {
    quantized: true,
    ...(scaledBy ? { scales: scaledBy } : {}),
    ...(shiftedBy ? { zeroPoint: shiftedBy } : {})
  };
}
