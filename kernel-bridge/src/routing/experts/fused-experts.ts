/** Experts of onnxruntime's fused ops: each weight is an input of the node, experts along axis 0. */
import type { Graph, GraphNode } from '../../onnx/graph/graph';
import type { Expert, ExpertWeight, WeightRole } from './expert';

interface Slot {
  role: WeightRole;
  weight: number;
  scales?: number;
  zeroPoint?: number;
}

const SLOTS: Record<string, Slot[]> = {
  'com.microsoft.MoE': [
    { role: 'up', weight: 2 },
    { role: 'bias', weight: 3 },
    { role: 'down', weight: 4 },
    { role: 'bias', weight: 5 },
    { role: 'up', weight: 6 },
    { role: 'bias', weight: 7 }
  ],
  'com.microsoft.QMoE': [
    { role: 'up', weight: 2, scales: 3, zeroPoint: 11 },
    { role: 'bias', weight: 4 },
    { role: 'down', weight: 5, scales: 6, zeroPoint: 12 },
    { role: 'bias', weight: 7 },
    { role: 'up', weight: 8, scales: 9, zeroPoint: 13 },
    { role: 'bias', weight: 10 }
  ]
};
/** Input of a gated expert's third product (fc3); without it the first one computes gate and up projection. */
const THIRD: Record<string, number> = {
  'com.microsoft.MoE': 6,
  'com.microsoft.QMoE': 8
};

export function isFused(node: GraphNode): boolean {
  return node.op in SLOTS;
}

export function fusedExperts(
  graph: Graph,
  node: GraphNode,
  experts: number
): Expert[] {
  const stored = (input: number | undefined): string | undefined =>
    input === undefined || !node.inputs[input]
      ? undefined
      : graph.weightOf(node.inputs[input])?.tensor.name;
  const gated = stored(THIRD[node.op]) !== undefined;
  const weights = SLOTS[node.op].flatMap(
    ({ role, weight, scales, zeroPoint }): Omit<ExpertWeight, 'slice'>[] => {
      const tensor = stored(weight);
      const scaledBy = stored(scales);
      const shiftedBy = stored(zeroPoint);
      return tensor === undefined
        ? []
        : [
            {
              tensor,
              role:
                role === 'up' && weight === 2
                  ? gated
                    ? 'gate'
                    : 'gate_up'
                  : role,
              quantized: scaledBy !== undefined,
              ...(scaledBy === undefined ? {} : { scales: scaledBy }),
              ...(shiftedBy === undefined ? {} : { zeroPoint: shiftedBy })
            }
          ];
    }
  );
  return Array.from({ length: experts }, (_, expert) => ({
    expert,
    weights: weights.map(weight => ({ ...weight, slice: expert })),
    nodes: [node.index]
  }));
}
