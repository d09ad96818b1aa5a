import type { Convention } from './convention';
import { route } from './route';

const { log } = Math;
/** Logits with the given softmax. */
const ofProbabilities = (...p: number[]): Float32Array =>
  Float32Array.from(p, log);

function routed(
  logits: Float32Array,
  topK: number,
  convention: Partial<Convention>,
  are?: 'logits' | 'probabilities'
) {
  const whole: Convention = {
    score: 'softmax',
    scoreBeforeTopK: true,
    renormalized: false,
    ...convention
  };
  const { selected, weights } = route(logits, logits.length, topK, whole, are);
  return [...selected].map((expert, k) => [
    expert,
    Number(weights[k].toFixed(5))
  ]);
}

describe('route', () => {
  // Expected values are calculated by hand: softmax of (ln 1, ln 2, ln 3) is (1/6, 2/6, 3/6), the sigmoid of ln 3 is 3/4.
  const thirds = ofProbabilities(1, 2, 3);

  it('softmax over all experts, then top-k (OLMoE)', () => {
    expect(routed(thirds, 2, {})).toEqual([
      [2, 0.5],
      [1, 0.33333]
    ]);
  });

  it('renormalises the chosen weights (Mixtral)', () => {
    expect(routed(thirds, 2, { renormalized: true })).toEqual([
      [2, 0.6],
      [1, 0.4]
    ]);
  });

  it('top-k, then softmax (GPT-OSS): the same as renormalising', () => {
    expect(routed(thirds, 2, { scoreBeforeTopK: false })).toEqual([
      [2, 0.6],
      [1, 0.4]
    ]);
  });

  it('sigmoid of each logit (Llama 4)', () => {
    expect(
      routed(Float32Array.of(0, log(3), -log(3)), 2, { score: 'sigmoid' })
    ).toEqual([
      [1, 0.75],
      [0, 0.5]
    ]);
    expect(
      routed(Float32Array.of(0, log(3), -log(3)), 1, {
        score: 'sigmoid',
        scoreBeforeTopK: false
      })
    ).toEqual([[1, 0.75]]);
  });

  it('adds a selection bias to the choice and not to the weights (DeepSeek-V3)', () => {
    expect(
      routed(Float32Array.of(0, log(3), -log(3)), 2, {
        score: 'sigmoid',
        selectionBias: [1, 0, 0.6]
      })
    ).toEqual([
      [0, 0.5],
      [2, 0.25]
    ]);
  });

  it('divides by the sum plus epsilon, then scales', () => {
    // (1/2, 1/3) / (5/6 + 1/6) x 2
    expect(
      routed(thirds, 2, { renormalized: true, epsilon: 1 / 6, scale: 2 })
    ).toEqual([
      [2, 1],
      [1, 0.66667]
    ]);
  });

  it('limits the choice to the group with the highest score (DeepSeek-V2)', () => {
    const groups = { count: 2, selected: 1, score: 'max' as const };
    expect(
      routed(ofProbabilities(0.4, 0.05, 0.3, 0.25), 2, { groups })
    ).toEqual([
      [0, 0.4],
      [1, 0.05]
    ]);
  });

  it('limits the choice to the group with the highest sum of two scores (DeepSeek-V3)', () => {
    const groups = { count: 2, selected: 1, score: 'top2-sum' as const };
    expect(
      routed(ofProbabilities(0.4, 0.05, 0.3, 0.25), 2, { groups })
    ).toEqual([
      [2, 0.3],
      [3, 0.25]
    ]);
  });

  it('weights each pick by a softmax over its near-ties (Phi-MoE)', () => {
    // Expert 1 is within 2 % of the peak, expert 2 is not: 1 / (1 + e^-0.01). Then expert 1 stands alone.
    const row = Float32Array.of(2, 1.99, 0);
    expect(routed(row, 2, { sparsemixer: { threshold: 0.02 } })).toEqual([
      [0, 0.5025],
      [1, 1]
    ]);
  });

  it('does not score probabilities again', () => {
    expect(
      routed(
        Float32Array.of(0.2, 0.7, 0.1),
        2,
        { renormalized: true },
        'probabilities'
      )
    ).toEqual([
      [1, 0.77778],
      [0, 0.22222]
    ]);
  });

  it("gives ties to the lower index, as ONNX's TopK does", () => {
    expect(
      routed(Float32Array.of(1, 1, 1, 1), 2, {}).map(([expert]) => expert)
    ).toEqual([0, 1]);
  });

  it('chooses all experts when k is their number', () => {
    expect(routed(thirds, 3, {}).map(([expert]) => expert)).toEqual([2, 1, 0]);
  });

  it('routes each token on its own', () => {
    const convention: Convention = {
      score: 'softmax',
      scoreBeforeTopK: true,
      renormalized: false
    };
    const { selected, weights } = route(
      Float32Array.of(
        ...ofProbabilities(0.9, 0.1),
        ...ofProbabilities(0.3, 0.7)
      ),
      2,
      1,
      convention
    );
    expect([...selected]).toEqual([0, 1]);
    expect([...weights].map(weight => Number(weight.toFixed(5)))).toEqual([
      0.9, 0.7
    ]);
  });

  it('does not overflow on large logits', () => {
    expect(routed(Float32Array.of(1000, 1000, -1000), 2, {})).toEqual([
      [0, 0.5],
      [1, 0.5]
    ]);
    expect(
      routed(Float32Array.of(1000, -1000), 2, { score: 'sigmoid' })
    ).toEqual([
      [0, 1],
      [1, 0]
    ]);
  });
});
