/** Likeness of experts: copies are alike in whatever is compared, others are not. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expertSimilarity, loadModel, type SimilarityOf } from '../src';
import { DEMO, describeEach, zooModels } from './zoo';

const WAYS = ['weights', 'outputs', 'cka'] as const;

describe('expertSimilarity of the demo model', () => {
  it('is between the bounds of its measure, and the same both ways', async () => {
    const model = await loadModel(DEMO);
    try {
      for (const of of WAYS) {
        const { data, drawing } = await expertSimilarity(model, 2, { of });
        expect(drawing.subtitle).toContain(of === 'cka' ? 'CKA' : 'cosine');
        const { values } = data;
        const known = values.flat().filter(value => value !== null);
        expect(known.length).toBeGreaterThanOrEqual(8 * 7);
        expect(Math.max(...known.map(Math.abs))).toBeLessThanOrEqual(1 + 1e-9);
        values.forEach((row, i) =>
          row.forEach((value, j) => expect(value).toBe(values[j][i]))
        );
      }
    } finally {
      await model.dispose();
    }
  });

  it('names what it cannot compare', async () => {
    const model = await loadModel(DEMO);
    try {
      await expect(expertSimilarity(model, 9)).rejects.toThrow(
        /layer 9 has no router/
      );
      await expect(
        expertSimilarity(model, 1, { of: 'names' as SimilarityOf })
      ).rejects.toThrow(/no similarity of names/);
      await expect(
        expertSimilarity(model, 1, {
          of: 'cka',
          prompt: { inputIds: new Array<number>(4000).fill(5) }
        })
      ).rejects.toMatchObject({
        code: expect.stringMatching(/input/) as string
      });
    } finally {
      await model.dispose();
    }
  });
});

describeEach(
  zooModels().filter(folder => folder.endsWith('defect-duplicate')),
  'expertSimilarity of $name',
  ({ folder }) => {
    it.each(WAYS)('sees the copies, and only them, in %s', async of => {
      const { planted, prompts } = JSON.parse(
        readFileSync(join(folder, 'truth.json'), 'utf8')
      ) as {
        planted: { duplicates: { layer: number; experts: number[] }[] };
        prompts: { ids: number[] }[];
      };
      const [{ layer, experts }] = planted.duplicates;
      const model = await loadModel(folder);
      try {
        const { values, order } = (
          await expertSimilarity(model, layer, {
            of,
            prompt: { inputIds: prompts[0].ids }
          })
        ).data;
        for (let i = 0; i < values.length; i++) {
          for (let j = 0; j < i; j++) {
            if (experts.includes(i) && experts.includes(j)) {
              expect(values[i][j]).toBeCloseTo(1, 5);
            } else {
              expect(values[i][j]).toBeLessThan(0.99);
            }
          }
        }
        const [a, b] = experts.map(expert => order.indexOf(expert));
        expect(Math.abs(a - b)).toBe(1);
      } finally {
        await model.dispose();
      }
    });
  }
);
