import { probedSession } from '../../run/edits/edited-sessions';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../../test/temporary';
import { tinyMoE } from '../../../test/tiny-moe';
import { recordActivations } from '../../run/activations/record-activations';
import { loadModel } from '../../api/load-model';
import type { MoEModel } from '../../api/moe-model';
import { readSteering } from './read-steering';
import { riskDifferences, riskSteering } from './risk-difference';

const POSITIVE = [
  [3, 14, 15, 9],
  [26, 5, 35]
];
const NEGATIVE = [[8, 9, 7, 9, 3]];

let model: MoEModel;
beforeAll(async () => {
  model = await loadModel(tinyMoE().save());
});
afterAll(() => model.dispose());

/** The stream after the last block at one token. */
async function row(ids: number[], at: number): Promise<Float32Array> {
  const { loaded: parts } = model;
  const { residual } = await recordActivations(
    parts,
    await probedSession(parts).resolve({}).run(),
    parts.tokenize(ids),
    { residual: true }
  );
  return residual[1].values.subarray(at * 16, (at + 1) * 16);
}

describe('contrast vectors', () => {
  it('are the difference of mean streams at the last tokens', async () => {
    const vectors = await model.steeringVectors({
      positive: POSITIVE,
      negative: NEGATIVE
    });
    expect(vectors.vectors.map(({ layer }) => layer)).toEqual([0, 1]);
    const [a, b] = [await row(POSITIVE[0], 3), await row(POSITIVE[1], 2)];
    const c = await row(NEGATIVE[0], 4);
    vectors.vectors[1].vector.forEach((value, i) =>
      expect(value).toBeCloseTo((a[i] + b[i]) / 2 - c[i], 5)
    );
  });

  it('lead from one prompt to the other', async () => {
    const [from] = NEGATIVE;
    const to = [1, 2, 3, 4, 5];
    const vectors = await model.steeringVectors({
      positive: to,
      negative: from
    });
    const last = async (
      trace: Promise<{
        outputLogits: ReadonlyMap<string, { data: Float32Array }>;
      }>
    ): Promise<Float32Array> =>
      [...(await trace).outputLogits.values()][0].data;
    const steered = await last(
      model.with({ steer: [vectors.at(1)] }).trace(from, { logits: 'last' })
    );
    const other = await last(model.trace(to, { logits: 'last' }));
    steered.forEach((value, i) => expect(value).toBeCloseTo(other[i], 4));
  });

  it('are rejected without prompts', async () => {
    await expect(
      model.steeringVectors({ positive: [], negative: NEGATIVE })
    ).rejects.toMatchObject({
      code: 'input',
      message: expect.stringMatching(/no positive prompts/) as string
    });
  });
});

describe('a steering file', () => {
  const file = (value: unknown): string => {
    const path = join(temporaryFolder(), 'steer.json');
    writeFileSync(
      path,
      typeof value === 'string' ? value : JSON.stringify(value)
    );
    return path;
  };

  it('holds what was written', async () => {
    const vectors = await model.steeringVectors({
      positive: POSITIVE,
      negative: NEGATIVE
    });
    const { steer } = readSteering(file(vectors.toJSON()));
    expect(steer).toHaveLength(2);
    expect(Float32Array.from(steer![1].vector)).toEqual(
      vectors.vectors[1].vector
    );
  });

  it.each<[unknown, RegExp]>([
    ['{', /cannot be read/],
    ['[]', /not a JSON object/],
    [{ schema: 'other' }, /instead of moe-debugger\/steering@1/],
    [{}, /neither steer nor bias/],
    [{ steer: [{ vector: [1] }] }, /no layer/],
    [{ layer: 1, vector: ['1'] }, /not a list of numbers/],
    [{ layer: 1, vector: [1], scale: '2' }, /scale is not a number/],
    [{ layer: 1, vector: [1], tokens: [1.5] }, /not a range/],
    [{ bias: [{ layer: 1, expert: 2 }] }, /needs layer, expert and value/]
  ])('is rejected where invalid: %j', (value, message) => {
    expect(() => readSteering(file(value))).toThrow(message);
  });
});

describe('risk differences', () => {
  it('are differences of token rates, and bias routing', async () => {
    const [positive, negative] = [
      await model.trace(POSITIVE),
      await model.trace(NEGATIVE)
    ];
    const differences = riskDifferences(positive, negative);
    expect(differences).toHaveLength(16);
    for (const { layer, expert, difference, tokens } of differences) {
      const rate = (trace: typeof positive): number => {
        const all = trace.samples.flatMap(({ layers }) => [
          ...layers[layer].selected
        ]);
        return all.filter(own => own === expert).length / (all.length / 2);
      };
      expect(difference).toBeCloseTo(rate(positive) - rate(negative), 10);
      expect(tokens).toEqual([7, 5]);
    }
    const [strongest] = differences;
    const edits = riskSteering(differences, {
      count: 1,
      strength: strongest.difference > 0 ? 50 : -50
    });
    const leaning = await model.with(edits).trace(NEGATIVE);
    const { selected } = leaning.samples[0].layers[strongest.layer];
    expect(
      [...selected].filter(expert => expert === strongest.expert)
    ).toHaveLength(5);
  });
});
