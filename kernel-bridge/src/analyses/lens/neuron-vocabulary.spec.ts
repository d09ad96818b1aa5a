import { tinyMoE } from '../../../test/tiny-moe';
import { loadModel } from '../../api/load-model';
import type { MoEModel } from '../../api/moe-model';
import { inlineValues } from '../../onnx/file/tensor';

const [EXPERTS, NEURONS, WIDTH, VOCABULARY] = [8, 12, 16, 50];
let model: MoEModel;
let down: number[];
let unembedding: number[];

beforeAll(async () => {
  // Without a norm the head is a single product, which can be computed by hand.
  const graph = tinyMoE({ norms: false });
  const stored = (...dims: number[]): number[] =>
    inlineValues(
      graph.initializers.filter(own => own.dims.join() === dims.join()).at(-1)!
    )!;
  down = stored(EXPERTS, NEURONS, WIDTH);
  unembedding = stored(WIDTH, VOCABULARY);
  model = await loadModel(graph.save());
});
afterAll(() => model.dispose());

it("reads each neuron's output through the unembedding", async () => {
  const expert = 5;
  const logits = Array.from({ length: NEURONS }, (_, neuron) => {
    const row = Array.from({ length: VOCABULARY }, (__, id) =>
      Array.from(
        { length: WIDTH },
        (___, i) =>
          down[(expert * NEURONS + neuron) * WIDTH + i] *
          unembedding[i * VOCABULARY + id]
      ).reduce((sum, value) => sum + value, 0)
    );
    const mean = row.reduce((sum, value) => sum + value, 0) / VOCABULARY;
    return row.map(value => value - mean);
  });
  const best = (pick: (...values: number[]) => number): number[] =>
    Array.from({ length: VOCABULARY }, (_, id) =>
      pick(...logits.map(row => row[id]))
    );
  const vocabulary = await model.expertVocabulary({ layer: 1, expert, top: 7 });
  expect(vocabulary).toMatchObject({
    by: 'weights',
    layer: 1,
    expert,
    neurons: NEURONS
  });
  const highest = best(Math.max).sort((a, b) => b - a);
  vocabulary.raised.forEach(({ id, neuron, logit }, i) => {
    expect(logit).toBeCloseTo(highest[i], 4);
    expect(logit).toBeCloseTo(logits[neuron][id], 4);
  });
  const lowest = best(Math.min).sort((a, b) => a - b);
  vocabulary.lowered.forEach(({ id, neuron, logit }, i) => {
    expect(logit).toBeCloseTo(lowest[i], 4);
    expect(logit).toBeCloseTo(logits[neuron][id], 4);
  });
});

it('rejects what does not exist', async () => {
  await expect(
    model.expertVocabulary({ layer: 1, expert: EXPERTS })
  ).rejects.toThrow(/no expert 8 \(layer 1\)/);
  await expect(model.expertVocabulary({ layer: 9, expert: 0 })).rejects.toThrow(
    /layer 9 has no router/
  );
});
