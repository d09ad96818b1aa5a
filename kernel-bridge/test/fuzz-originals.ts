/** The sound models that the fuzz test damages: small, and of different kinds. */
import type { GraphProto, ModelProto } from '../src/onnx/file/schema';
import { GraphBuilder } from './graph-builder';
import { tinyMoE } from './tiny-moe';

export function originals(): (ModelProto & { graph: GraphProto })[] {
  return [
    tinyMoE({
      layers: 2,
      hidden: 8,
      experts: 4,
      intermediate: 6,
      vocabulary: 20
    }).build(),
    biased(),
    fused()
  ];
}

/** Sigmoid with a bias for choosing, groups and a scale, as DeepSeek-V3 routes. */
function biased(): ModelProto & { graph: GraphProto } {
  return tinyMoE({
    layers: 2,
    hidden: 8,
    intermediate: 6,
    vocabulary: 20,
    router: (b, x, { experts, topK, hidden }) => {
      const scores = b.op('Sigmoid', [
        b.op('MatMul', [x, b.weight([hidden, experts])])
      ]);
      const choice = b.op('Add', [scores, b.weight([experts])]);
      const grouped = b.op('Reshape', [choice, b.ints([-1, 4, experts / 4])]);
      const [best] = b.many('TopK', [grouped, b.ints([2])], 2);
      const groupScores = b.over('ReduceSum', best, [-1], { keepdims: 0 });
      const [, groups] = b.many('TopK', [groupScores, b.ints([2])], 2);
      const ones = b.op('Cast', [b.op('Equal', [groups, groups])], { to: 1 });
      const zeros = b.op('Sub', [groupScores, groupScores]);
      const mask = b.op('ScatterElements', [zeros, groups, ones], { axis: 1 });
      const wide = b.op('Expand', [
        b.over('Unsqueeze', mask, [-1]),
        b.ints([1, 4, experts / 4])
      ]);
      const eligible = b.op(
        'Cast',
        [b.op('Reshape', [wide, b.ints([-1, experts])])],
        { to: 9 }
      );
      const [, selected] = b.many(
        'TopK',
        [b.op('Where', [eligible, choice, b.floats([0], [])]), b.ints([topK])],
        2
      );
      const values = b.op('GatherElements', [scores, selected], { axis: 1 });
      const sum = b.op('Add', [
        b.over('ReduceSum', values, [-1], { keepdims: 1 }),
        b.floats([1e-20], [])
      ]);
      return {
        selected,
        weights: b.op('Mul', [b.op('Div', [values, sum]), b.floats([2.5], [])])
      };
    }
  }).build();
}

/** The routing inside com.microsoft.MoE. */
function fused(): ModelProto & { graph: GraphProto } {
  const b = new GraphBuilder({ seed: 3 });
  const ids = b.input('input_ids', 'int64', ['batch', 'sequence']);
  let x = b.op('Gather', [b.weight([20, 8]), ids]);
  for (let layer = 0; layer < 2; layer++) {
    const flat = b.op('Reshape', [x, b.ints([-1, 8])]);
    const logits = b.op('Gemm', [flat, b.weight([4, 8])], { transB: 1 });
    const mixed = b.op(
      'com.microsoft.MoE',
      [flat, logits, b.weight([4, 6, 8]), '', b.weight([4, 8, 6])],
      {
        k: 2,
        activation_type: 'silu',
        normalize_routing_weights: 1
      }
    );
    x = b.op('Add', [x, b.op('Reshape', [mixed, b.op('Shape', [x])])]);
  }
  b.output(x);
  return b.build();
}
