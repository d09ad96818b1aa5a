import type { RouterWriter } from '../tiny-moe';

/** A router whose exporter casts the scores to double and back before the choice. */
export const castScores: RouterWriter = (b, x, { experts, topK, hidden }) => {
  const logits = b.op('MatMul', [x, b.weight([hidden, experts], 2)]);
  const scores = b.op('Softmax', [logits], { axis: -1 });
  const cast = b.op('Cast', [b.op('Cast', [scores], { to: 11 })], { to: 1 });
  const [values, selected] = b.many('TopK', [cast, b.ints([topK])], 2);
  const sum = b.over('ReduceSum', values, [-1], { keepdims: 1 });
  return { selected, weights: b.op('Div', [values, sum]) };
};
