/** Factors of scores over all experts: one number, or one an expert. */
import type { Graph } from '../onnx/graph/graph';
import { sourceOf } from '../onnx/graph/no-ops';

export interface WeightFactors {
  /** The tensor before the factors. */
  tensor: string;
  scale: number;
  /** [experts] */
  expertScale?: number[];
}

const MAX_FACTORS = 6;

/** Reads upstream over products with constants. */
export function readFactors(
  graph: Graph,
  tensor: string,
  experts: number
): WeightFactors {
  const factors: WeightFactors = { tensor, scale: 1 };
  for (let step = 0; step < MAX_FACTORS; step++) {
    const { node, tensor: at } = sourceOf(graph, factors.tensor);
    factors.tensor = at;
    if (node?.op !== 'Mul' && node?.op !== 'Div') {
      break;
    }
    const [first, second] = node.inputs;
    const constant = graph.constantValues(second) ?? [];
    const own =
      constant.length > 0
        ? { values: constant, tensor: first }
        : node.op === 'Mul'
          ? { values: graph.constantValues(first) ?? [], tensor: second }
          : undefined;
    const values = own?.values.map(value =>
      node.op === 'Div' ? 1 / value : value
    );
    if (!own || !values) {
      break;
    }
    if (values.length === 1) {
      factors.scale *= values[0];
    } else if (values.length === experts && !factors.expertScale) {
      factors.expertScale = values;
    } else {
      break;
    }
    factors.tensor = own.tensor;
  }
  return factors;
}
