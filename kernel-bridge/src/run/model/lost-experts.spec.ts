/** A model whose export kept the experts of one run: what each view of it says. */
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { mixtralRouter, tinyMoE } from '../../../test/tiny-moe';
import { loadModel } from '../../api/load-model';
import type { MoEModel } from '../../api/moe-model';
import { diagnoseModel } from '../../analyses/findings';
import { compressionPlan } from '../../analyses/compression';
import { inspectModel } from './structure';

const IDS = [3, 14, 15, 9, 26, 5, 35, 8];
const KEPT = [1, 3, 7];
const LOST = [0, 2, 4, 5, 6];

/** Experts of which only some are in the graph, each by a comparison with its number. */
const traced = (kept: readonly number[]) =>
  tinyMoE({
    mixture: (b, x, size) => {
      const { hidden } = size;
      const { selected, weights } = mixtralRouter(b, x, size);
      return kept
        .map(expert => {
          const mask = b.op(
            'Cast',
            [b.op('Equal', [selected, b.ints([expert])])],
            { to: 1 }
          );
          const weight = b.over(
            'ReduceSum',
            b.op('Mul', [weights, mask]),
            [-1],
            { keepdims: 1 }
          );
          return b.op('Mul', [
            b.op('MatMul', [x, b.weight([hidden, hidden])]),
            weight
          ]);
        })
        .reduce((sum, next) => b.op('Add', [sum, next]));
    }
  });

let folder: string;
let model: MoEModel;

beforeAll(async () => {
  folder = traced(KEPT).save();
  model = await loadModel(folder);
});
afterAll(() => model.dispose());

it('is warned of by its card', () => {
  const { layers, warnings } = inspectModel(folder);
  expect(layers).toHaveLength(2);
  expect(layers[0]).toMatchObject({ experts: 8, lostExperts: LOST });
  expect(warnings).toContainEqual(
    expect.stringMatching(
      /^layer 0: the graph has no path for experts 0, 2, 4, 5, 6: tokens/
    )
  );
});

it('is a finding, an error that counts what goes nowhere', async () => {
  const { findings } = await diagnoseModel(model, { prompts: [IDS] });
  const { samples } = await model.trace(IDS);
  const lost = findings.filter(({ kind }) => kind === 'lost-experts');
  expect(lost.map(({ layer, severity }) => [layer, severity])).toEqual([
    [0, 'error'],
    [1, 'error']
  ]);
  const { selected } = samples[0].layers[0];
  expect(lost[0].experts).toEqual(LOST);
  expect(lost[0].value).toBeCloseTo(
    [...selected].filter(expert => LOST.includes(expert)).length /
      selected.length
  );
});

it.each([
  { ablate: [{ layer: 1, expert: 4 }] },
  { ablate: [{ layer: 1, expert: 4, mode: 'drop' as const }] },
  { ablate: [{ layer: 1, expert: 3, mode: 'swap' as const, to: 4 }] },
  { scale: [{ layer: 1, expert: 4, factor: 2 }] },
  { force: [{ layer: 1, expert: 4 }] },
  { bias: [{ layer: 1, expert: 4, value: 1 }] }
])('takes no edit of a lost expert: %j', edits => {
  expect(() => model.with(edits)).toThrow(
    /expert 4.* does not reach the output: the graph has a path for 3 of 8 experts \(layer 1\): give expert 1, 3, 7, or export/
  );
});

it('has no vocabulary, no ablation and no votes of a lost expert', async () => {
  await expect(
    model.expertVocabulary({ layer: 0, expert: 2, prompts: [IDS] })
  ).rejects.toThrow(/expert 2 does not reach the output/);
  await expect(
    model.sweep(IDS, { layers: [0], experts: [1, 2] })
  ).rejects.toThrow(/expert 2 does not reach the output/);
  const { rows } = await model.sweep(IDS, { mode: 'drop' });
  expect(rows.map(({ expert }) => expert).sort()).toEqual([1, 1, 3, 3, 7, 7]);
  const { data } = await model.lens(IDS, {
    experts: true,
    positions: 'all'
  });
  const votes = data.experts.flatMap(({ positions }) =>
    positions.flatMap(own => own.votes.map(({ expert }) => expert))
  );
  const selected = (await model.trace(IDS)).samples[0].layers.flatMap(layer => [
    ...layer.selected
  ]);
  expect(selected.some(expert => LOST.includes(expert))).toBe(true);
  expect(votes.sort()).toEqual(
    selected.filter(expert => KEPT.includes(expert)).sort()
  );
  await expect(compressionPlan(model, [IDS, IDS], { keep: 4 })).rejects.toThrow(
    /no path for experts 0, 2, 4, 5, 6.*layer 0/
  );
});

it('does not count experts that compute nothing by design', () => {
  const zero = traced([0, 1, 2, 3, 4, 5]).save();
  expect(inspectModel(zero).layers[0]).toMatchObject({ lostExperts: [6, 7] });
  writeFileSync(
    join(zero, 'config.json'),
    JSON.stringify({ n_routed_experts: 6, zero_expert_num: 2 })
  );
  const { layers, warnings } = inspectModel(zero);
  expect(layers[0]).not.toHaveProperty('lostExperts');
  expect(warnings).toEqual([]);
});
