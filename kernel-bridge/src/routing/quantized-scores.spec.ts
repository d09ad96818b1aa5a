/** onnxruntime's operators between product and choice: scores of quantised numbers, and SparseMixer in a fused op. */
import type { GraphBuilder } from '../../test/graph-builder';
import { tensor } from '../../test/graph-builder';
import { tinyMoE, type RouterWriter, type Sizes } from '../../test/tiny-moe';
import { inspectModel, loadModel, type MoEModel } from '..';
import { Engine } from '../run/engine/engine';
import { encodeModelProto } from '../onnx/file/schema';

const IDS = [3, 14, 15, 9, 26, 5, 35, 8, 41, 2];
const [EXPERTS, K] = [8, 2];
const UINT8 = 2;
const models: MoEModel[] = [];
afterAll(() => Promise.all(models.map(model => model.dispose())));

/** A zero point. */
function byte(b: GraphBuilder, value: number): string {
  const name = b.name('zero');
  b.initializers.push(tensor(name, UINT8, [], Uint8Array.of(value)));
  return name;
}

const STEP = 0.02;
const OF_SCORE = 1 / 256;
/** What a byte can be; larger logits are cut off. */
const limited = (logit: number): number =>
  Math.min(127 * STEP, Math.max(-128 * STEP, logit));

/** Logits as bytes. */
function quantised(b: GraphBuilder, x: string, size: Sizes): string {
  return b.op('QuantizeLinear', [
    b.op('MatMul', [x, b.weight([size.hidden, size.experts])]),
    b.floats([STEP], []),
    byte(b, 128)
  ]);
}

/** A product of bytes with bytes, as static quantisation writes it. */
function quantisedProduct(b: GraphBuilder, x: string, size: Sizes): string {
  const weight = b.uint8([size.hidden, size.experts]);
  const input = b.op('QuantizeLinear', [x, b.floats([0.04], []), byte(b, 128)]);
  return b.op('QLinearMatMul', [
    input,
    b.floats([0.04], []),
    byte(b, 128),
    weight,
    b.floats([0.01], []),
    byte(b, 128),
    b.floats([0.05], []),
    byte(b, 128)
  ]);
}

const scored =
  (
    write: (b: GraphBuilder, x: string, size: Sizes) => string,
    score: 'softmax' | 'sigmoid',
    step: number
  ): RouterWriter =>
  (b, x, size) => {
    const given = [
      write(b, x, size),
      b.floats([step], []),
      byte(b, 128),
      b.floats([OF_SCORE], []),
      byte(b, 0)
    ];
    const scores =
      score === 'softmax'
        ? b.op('com.microsoft.QLinearSoftmax', given, { axis: -1, opset: 13 })
        : b.op('com.microsoft.QLinearSigmoid', given);
    const [values, selected] = b.many(
      'TopK',
      [
        b.op('DequantizeLinear', [
          scores,
          b.floats([OF_SCORE], []),
          byte(b, 0)
        ]),
        b.ints([size.topK])
      ],
      2
    );
    const sum = b.over('ReduceSum', values, [-1], { keepdims: 1 });
    return { selected, weights: b.op('Div', [values, sum]) };
  };

const FORMS: Record<
  string,
  [RouterWriter, 'softmax' | 'sigmoid', 'logits' | 'probabilities']
> = {
  'QLinearSoftmax of quantised logits': [
    scored(quantised, 'softmax', STEP),
    'softmax',
    'logits'
  ],
  'QLinearSigmoid of quantised logits': [
    scored(quantised, 'sigmoid', STEP),
    'sigmoid',
    'logits'
  ],
  'QLinearSoftmax of a quantised product': [
    scored(quantisedProduct, 'softmax', 0.05),
    'softmax',
    'probabilities'
  ]
};

describe.each(Object.entries(FORMS))('%s', (_, [router, score, are]) => {
  it('is read, and weights experts as onnxruntime does', async () => {
    const path = tinyMoE({ seed: 3, router }).save();
    expect(inspectModel(path)).toMatchObject({
      warnings: [],
      layers: [0, 1].map(() => ({
        score,
        scoreBeforeTopK: true,
        renormalized: true,
        experts: EXPERTS,
        topK: K,
        router: { logitsAre: are }
      }))
    });
    const model = await loadModel(path);
    models.push(model);
    const { samples } = await model.trace(IDS);
    const [{ logits, selected, weights }] = samples[0].layers;
    const exact = IDS.map((__, t) => {
      const raw = [...logits.subarray(EXPERTS * t, EXPERTS * (t + 1))];
      const row = are === 'logits' ? raw.map(limited) : raw;
      const total = row.reduce((sum, x) => sum + Math.exp(x), 0);
      const scores =
        are === 'probabilities'
          ? row
          : row.map(x =>
              score === 'softmax' ? Math.exp(x) / total : 1 / (1 + Math.exp(-x))
            );
      const own = [0, 1].map(slot => scores[selected[K * t + slot]]);
      return own.map(value => value / (own[0] + own[1]));
    }).flat();
    expect(weights).toHaveLength(IDS.length * K);
    expect(new Set(weights).size).toBeGreaterThan(4);
    // A byte of a score is 1/256, and a chosen softmax of eight may be 0.2.
    const differences = exact.map((value, i) => Math.abs(value - weights[i]));
    expect(Math.max(...differences)).toBeLessThan(0.02);
  });
});

describe('use_sparse_mixer', () => {
  const sparse =
    (op: 'MoE' | 'QMoE', attributes: Record<string, number>) =>
    (
      b: GraphBuilder,
      x: string,
      { experts, hidden, intermediate: inner }: Sizes
    ) => {
      const logits = b.op('MatMul', [x, b.weight([hidden, experts], 2)]);
      const scales = (out: number): string =>
        b.floats(
          Array.from({ length: experts * out }, () => 0.02),
          [experts, out]
        );
      return op === 'MoE'
        ? b.op(
            'com.microsoft.MoE',
            [
              x,
              logits,
              b.weight([experts, inner, hidden]),
              '',
              b.weight([experts, hidden, inner])
            ],
            { k: K, activation_type: 'relu', ...attributes }
          )
        : b.op(
            'com.microsoft.QMoE',
            [
              x,
              logits,
              b.uint8([experts, 2 * inner, hidden / 2]),
              scales(2 * inner),
              '',
              b.uint8([experts, hidden, inner / 2]),
              scales(hidden)
            ],
            {
              k: K,
              activation_type: 'swiglu',
              expert_weight_bits: 4,
              swiglu_fusion: 1,
              ...attributes
            }
          );
    };

  it.each(['MoE', 'QMoE'] as const)(
    'of %s is left out by name, and not called dense',
    op => {
      const { layers, warnings } = inspectModel(
        tinyMoE({ mixture: sparse(op, { use_sparse_mixer: 1 }) }).save()
      );
      expect(layers).toMatchObject([{ moe: null }, { moe: null }]);
      expect(warnings).toHaveLength(2);
      expect(warnings[1]).toMatch(
        /MoE .*use_sparse_mixer asks for SparseMixer, which onnxruntime computes on GPUs only/
      );
    }
  );

  // If this fails, the CPU kernel has learnt SparseMixer, and the attribute can be read.
  it.each(['MoE', 'QMoE'] as const)(
    'of %s changes nothing that a CPU computes',
    async op => {
      const outputs = await Promise.all(
        [0, 1].map(async use_sparse_mixer => {
          const bytes = encodeModelProto(
            tinyMoE({ mixture: sparse(op, { use_sparse_mixer }) }).build()
          );
          const session = await Engine.shared().createSession(
            { bytes, folder: '.' },
            {}
          );
          const ids = BigInt64Array.from(IDS, BigInt);
          const run = await session.run(
            {
              input_ids: { type: 'int64', dims: [1, IDS.length], data: ids }
            },
            ['logits']
          );
          await session.release();
          return [...(run.outputs.logits.data as Float32Array)];
        })
      );
      expect(outputs[0]).toHaveLength(IDS.length * 50);
      expect(outputs[1]).toEqual(outputs[0]);
    }
  );
});
