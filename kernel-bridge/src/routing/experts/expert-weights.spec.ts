/** Weights of exported models in each storage form, against the same weights in float32. */
import { DEMO, itWithZoo, NO_ZOO, titled, zooModel } from '../../../test/zoo';
import { cosine, relativeDifference } from '../../measures';
import { readStructure } from '../../run/model/structure';
import { ExpertWeights } from './expert-weights';
import { findExperts } from './find-experts';

/** All weights but biases of the experts of a model's first layer, one vector an expert. */
function weightsOf(path: string): Float32Array[] {
  const { onnx, graph, found } = readStructure(path);
  const [router] = found.routers;
  const reader = new ExpertWeights(graph, onnx.weightsFolder);
  try {
    return findExperts(graph, router, found.blocks)!.map(expert =>
      Float32Array.from(
        reader
          .read(
            {
              ...expert,
              weights: expert.weights.filter(({ role }) => role !== 'bias')
            },
            router.experts
          )
          .flatMap(part => [...part])
      )
    );
  } finally {
    reader.close();
  }
}

it('reads eight different experts of the demo model', () => {
  const experts = weightsOf(DEMO);
  expect(experts).toHaveLength(8);
  // Gate, up and down of 256 x 192 each.
  expect(experts.map(({ length }) => length)).toEqual(
    new Array(8).fill(3 * 256 * 192)
  );
  expect(Math.abs(cosine(experts[0], experts[1]))).toBeLessThan(0.2);
});

const original = zooModel('mixtral-dynamo');

(original ? it : it.skip).each([
  ['mixtral-fp16', 1e-3],
  ['mixtral-int8', 0.01],
  ['mixtral-jit', 1e-6]
])(
  titled('%s holds the weights of mixtral-dynamo', !!original, NO_ZOO),
  (name, tolerance) => {
    const experts = weightsOf(zooModel(name)!);
    weightsOf(original!).forEach((expert, e) =>
      expect(relativeDifference(expert, experts[e])).toBeLessThan(tolerance)
    );
  }
);

itWithZoo(
  original !== undefined,
  'experts in four bits are as unlike each other as in float32',
  () => {
    const packed = weightsOf(zooModel('gpt_oss-genai-int4')!);
    const plain = weightsOf(zooModel('gpt_oss-genai-fp32')!);
    for (let e = 1; e < packed.length; e++) {
      expect(cosine(packed[0], packed[e])).toBeCloseTo(
        cosine(plain[0], plain[e]),
        1
      );
    }
  }
);
