import { logSoftmax, logitsOf, oneByOne } from '../../test/one-by-one';
import { tinyMoE } from '../../test/tiny-moe';
import { diagnose } from '../analyses/findings';
import type { Edits } from '../run/edits/edits';
import { loadModel } from './load-model';
import type { MoEModel } from './moe-model';

const prompts = [6, 9, 9, 7].map((length, i) => ({
  id: `p${i}`,
  inputIds: Array.from({ length }, (_, t) => (i * 17 + t * t * 7 + 3) % 50)
}));
const contrast = {
  positive: prompts.slice(0, 2),
  negative: prompts.slice(2)
};
/** Edits of several kinds, of all tokens and of some. */
const EDITS: Edits = {
  ablate: [
    { layer: 1, expert: 5, mode: 'drop' },
    { layer: 0, expert: 0, mode: 'mask', tokens: [0, 3] }
  ],
  bias: [{ layer: 0, expert: 2, value: 1.5 }],
  scale: [{ layer: 1, expert: 3, factor: 0.5, tokens: [2, 5] }],
  force: [{ layer: 1, expert: 6, tokens: [0, 2] }]
};

describe('a model without edits is the model', () => {
  let model: MoEModel;

  beforeAll(async () => {
    model = await loadModel(tinyMoE().save());
  });
  afterAll(() => model.dispose());

  it('in a sweep', async () => {
    const [plain, edited] = [
      await model.sweep(prompts),
      await model.with({}).sweep(prompts)
    ];
    expect(plain.rows).toHaveLength(16);
    expect(edited.rows).toEqual(plain.rows);
    expect(edited.toJSON().notes).toEqual(plain.toJSON().notes);
  });

  it('in findings, vectors, vocabularies and the lens', async () => {
    const edited = model.with({});
    expect((await edited.diagnose(prompts)).layers).toEqual(
      (await model.diagnose(prompts)).layers
    );
    expect((await edited.steeringVectors(contrast)).toJSON()).toEqual(
      (await model.steeringVectors(contrast)).toJSON()
    );
    const [expert] = (await model.trace(prompts[0])).layer(1).selected;
    const place = { layer: 1, expert, prompts };
    expect(await edited.expertVocabulary(place)).toEqual(
      await model.expertVocabulary(place)
    );
    expect((await edited.lens(prompts[0])).data.layers).toEqual(
      (await model.lens(prompts[0])).data.layers
    );
  });
});

describe('a model with edits', () => {
  let model: MoEModel;

  beforeAll(async () => {
    model = await loadModel(tinyMoE().save());
  });
  afterAll(() => model.dispose());

  it('is swept from its own predictions, as one run an ablation gives', async () => {
    const edited = model.with(EDITS);
    const plain = [];
    for (const prompt of prompts) {
      plain.push(await edited.trace(prompt, { logits: 'all' }));
    }
    // Runs the ablation together with the edits, and nothing of the sweep.
    const together = {
      with: ({ ablate = [] }: Edits) =>
        model.with({
          ...EDITS,
          ablate: [
            ...EDITS.ablate!.filter(
              own =>
                own.layer !== ablate[0].layer || own.expert !== ablate[0].expert
            ),
            ...ablate
          ],
          bias: EDITS.bias!.filter(
            own =>
              own.layer !== ablate[0].layer || own.expert !== ablate[0].expert
          ),
          scale: EDITS.scale!.filter(
            own =>
              own.layer !== ablate[0].layer || own.expert !== ablate[0].expert
          )
        })
    } as MoEModel;
    const result = await edited.sweep(prompts, { mode: 'mask' });
    // All but an expert that is ablated already, and one that is forced.
    expect(
      result.rows.map(({ layer, expert }) => `${layer}:${expert}`)
    ).toEqual(
      '0:0 0:1 0:2 0:3 0:4 0:5 0:6 0:7 1:0 1:1 1:2 1:3 1:4 1:7'.split(' ')
    );
    for (const row of result.rows) {
      const expected = await oneByOne(together, prompts, plain, row);
      expect(row.klLast).toBeCloseTo(expected.klLast, 5);
      expect(row.deltaLogProb).toBeCloseTo(expected.deltaLogProb, 5);
      expect(row.deltaRank).toBeCloseTo(expected.deltaRank, 5);
    }
    expect(result.toJSON().notes).toContain(
      'the model had 5 edits; experts that they ablate or force are left out'
    );
    await expect(
      edited.sweep(prompts, { layers: [1], experts: [6] })
    ).rejects.toMatchObject({ code: 'input' });
  });

  it('is diagnosed by the routing that its traces have', async () => {
    const edited = model.with(EDITS);
    const { layers } = await edited.diagnose(prompts);
    expect(layers).toEqual(
      diagnose(await edited.trace(prompts, { logits: 'all' })).layers
    );
    expect(layers).not.toEqual((await model.diagnose(prompts)).layers);
  });

  it('has a lens that ends in its own logits', async () => {
    const edited = model.with(EDITS);
    const { data, width } = logitsOf(
      await edited.trace(prompts[0], { logits: 'last' })
    );
    const [expected] = logSoftmax(data, width);
    const { layers } = (await edited.lens(prompts[0], { top: 3 })).data;
    const last = layers.at(-1)!.top;
    expect(last).toHaveLength(3);
    expect(last.map(({ id }) => id)).toEqual(
      [...expected.keys()].sort((a, b) => expected[b] - expected[a]).slice(0, 3)
    );
    expect(last[0].probability).toBeCloseTo(Math.exp(Math.max(...expected)), 5);
  });

  it('counts for a vocabulary the tokens that its traces give to the expert', async () => {
    const edited = model.with({ force: [{ layer: 0, expert: 3 }] });
    const trace = await edited.trace(prompts);
    const chosen = trace.samples.flatMap(({ layers }) => [
      ...layers[1].selected
    ]);
    const expert = chosen[0];
    expect(
      await edited.expertVocabulary({ layer: 1, expert, prompts })
    ).toMatchObject({
      tokens: chosen.filter(own => own === expert).length,
      of: 31
    });
  });

  it('has streams that an added vector moves by that vector', async () => {
    const plain = await model.steeringVectors(contrast);
    const moved = Array.from({ length: 16 }, (_, i) => (i % 3) - 1);
    const edited = model.with({
      steer: [{ layer: 0, vector: moved, tokens: [8, 9] }]
    });
    const [first] = (await edited.steeringVectors(contrast)).vectors;
    const [before] = plain.vectors;
    // One of two prompts on either side ends at position 8: the vector cancels at layer 0.
    Array.from(before.vector).forEach((value, i) =>
      expect(first.vector[i]).toBeCloseTo(value, 5)
    );
    const oneSided = await model
      .with({ steer: [{ layer: 0, vector: moved, tokens: [5, 6] }] })
      .steeringVectors(contrast);
    // Only the first positive prompt ends at position 5.
    Array.from(before.vector).forEach((value, i) =>
      expect(oneSided.vectors[0].vector[i]).toBeCloseTo(value + moved[i] / 2, 5)
    );
  });
});
