/** The check of captured weights, on both sides: inexact kernels are accepted, misread conventions are refused. */
import type { Convention, Rounding, Router } from '../../routing/convention';
import { checkConvention } from './check-convention';

const [EXPERTS, K] = [8, 4];

function router(convention: Convention, rounding?: Rounding): Router {
  return {
    layer: 0,
    experts: EXPERTS,
    topK: K,
    convention,
    pattern: 'test',
    tensors: {
      logits: 'logits',
      logitsAre: 'logits',
      selected: ['selected'],
      weights: ['weights']
    },
    sharedExperts: 0,
    selectors: [],
    ...(rounding ? { rounding } : {})
  };
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

interface Kernel {
  /** Scores as a kernel computes them. */
  score(x: number): number;
  bias?: readonly number[];
  divided: boolean;
  scale?: number;
}

/** Chooses and weights one token as a graph with that kernel does. */
function captured(
  logits: readonly number[],
  { score, bias = [], divided, scale = 1 }: Kernel
) {
  const scores = logits.map(score);
  const choice = scores.map((value, e) => Math.fround(value + (bias[e] ?? 0)));
  const selected = logits
    .map((_, e) => e)
    .sort((a, b) => choice[b] - choice[a] || a - b)
    .slice(0, K);
  const sum = divided ? selected.reduce((all, e) => all + scores[e], 0) : 1;
  return {
    logits: Float32Array.from(logits),
    selected: Int32Array.from(selected),
    weights: Float32Array.from(selected, e => (scores[e] / sum) * scale),
    tokens: 1
  };
}

/** Scores from 1e-6 to 4e-6, as a router whose selection bias is near 12 makes them. */
const SMALL = [-12.4, -12.8, -13.1, -13.6, -12.6, -12.9, -13.3, -13.5];
const BIAS = [12.01, 11.98, 12.02, 11.97, 12.03, 11.99, 12.0, 12.04];
const convention: Convention = {
  score: 'sigmoid',
  scoreBeforeTopK: true,
  renormalized: true,
  scale: 2.5,
  selectionBias: BIAS
};
const kernel: Kernel = {
  score: sigmoid,
  bias: BIAS,
  divided: true,
  scale: 2.5
};
/** An absolute error of 6e-8, that of a sigmoid computed as 0.5 + p / q in float32. */
const inexact = (x: number): number =>
  Math.fround(0.5 + Math.fround(sigmoid(x) - 0.5));

describe('scores near 1e-5', () => {
  it('may be as wrong as the kernel is', () => {
    const exact = captured(SMALL, kernel);
    const own = captured(SMALL, { ...kernel, score: inexact });
    const errors = own.weights.map((w, i) => Math.abs(w - exact.weights[i]));
    expect(Math.max(...errors)).toBeGreaterThan(2e-3);
    expect(() => checkConvention(router(convention), own)).not.toThrow();
  });

  it.each([
    ['without the division', { renormalized: false }],
    ['without the scale', { scale: undefined }],
    ['as a softmax', { score: 'softmax' as const }],
    ['with another scale', { scale: 3.5 }],
    ['with another bias', { selectionBias: [...BIAS].reverse() }]
  ])('are refused when read %s', (_, misread) => {
    expect(() =>
      checkConvention(
        router({ ...convention, ...misread }),
        captured(SMALL, { ...kernel, score: inexact })
      )
    ).toThrow(expect.objectContaining({ code: 'capture' }));
  });
});

describe('large scores', () => {
  const logits = [0.3, -0.4, 1.2, 0.9, -1.5, 0.1, 0.7, -0.2];
  const plain: Convention = {
    score: 'sigmoid',
    scoreBeforeTopK: true,
    renormalized: false
  };

  it('are held to a few thousandths', () => {
    const own = captured(logits, { score: sigmoid, divided: false });
    expect(() => checkConvention(router(plain), own)).not.toThrow();
    own.weights[2] *= 1.01;
    expect(() => checkConvention(router(plain), own)).toThrow(/weight/);
  });

  it.each([
    ['bfloat16', 2 ** -8, 8],
    ['float16', 2 ** -11, 11]
  ])('may be rounded to %s where the graph does', (_, unit, bits) => {
    const rounded = (x: number): number => {
      const grid = 2 ** (Math.floor(Math.log2(sigmoid(x))) + 1 - bits);
      return Math.round(sigmoid(x) / grid) * grid;
    };
    const own = captured(logits, { score: rounded, divided: false });
    expect(() =>
      checkConvention(router(plain, { unit, step: 0 }), own)
    ).not.toThrow();
    own.weights[2] *= 1.1;
    expect(() =>
      checkConvention(router(plain, { unit, step: 0 }), own)
    ).toThrow(/weight/);
  });

  it('may be steps of a quantiser, and are refused without one', () => {
    const step = 1 / 64;
    const quantised = captured(logits, {
      score: x => Math.round(sigmoid(x) / step) * step,
      divided: false
    });
    expect(() =>
      checkConvention(router(plain, { unit: 2 ** -24, step }), quantised)
    ).not.toThrow();
    expect(() => checkConvention(router(plain), quantised)).toThrow(/weight/);
  });

  it('are compared beside experts that an edit masks', () => {
    const masked = logits.map((x, e) => (e < 3 ? -1e30 : x));
    const own = captured(masked, { score: x => x, divided: false });
    const chosen = [...own.selected].map(e => Math.exp(logits[e]));
    const total = chosen.reduce((all, x) => all + x, 0);
    own.weights.set(chosen.map(x => x / total));
    const after: Convention = {
      score: 'softmax',
      scoreBeforeTopK: false,
      renormalized: false
    };
    expect(() => checkConvention(router(after), own)).not.toThrow();
    own.weights[0] *= 1.02;
    expect(() => checkConvention(router(after), own)).toThrow(/weight/);
  });

  it('of an expert that the logits rule out are refused', () => {
    const own = captured(logits, { score: sigmoid, divided: false });
    own.selected[3] = 4;
    expect(() => checkConvention(router(plain), own)).toThrow(/do not explain/);
  });
});
