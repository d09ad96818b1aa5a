/** Which samples a prediction of a layer is made from; what biases do is tested in test/analyses. */
import { anything, samplesOf } from '../../../test/made-samples';
import type { RoutingSample } from '../../base/protocol';
import { predictBalance } from './predict-balance';

/** 24 texts; layer 1 prefers experts 0 to 3. Layer 0 selects experts 0 and 1 only, and is in every second text. */
function mixed(domains = ['a']): RoutingSample[] {
  const samples = samplesOf(({ id }) => [id % 3 === 0 ? id % 8 : id % 4], {
    samples: 24,
    domains
  });
  const fixed = samplesOf(() => [0, 1], { samples: 24 });
  return samples.map((sample, s) => ({
    ...sample,
    layers: [
      ...(s % 2 === 0 ? [{ ...fixed[s].layers[0], layer: 0 }] : []),
      { ...sample.layers[0], layer: 1 }
    ]
  }));
}

/** [E], of one layer in all samples. */
function countsOf(samples: readonly RoutingSample[], layer: number): number[] {
  const counts = new Array<number>(8).fill(0);
  for (const own of samples.flatMap(({ layers }) => layers)) {
    if (own.layer === layer) {
      own.selected.forEach(expert => counts[expert]++);
    }
  }
  return counts;
}

const halfOf = (samples: readonly RoutingSample[]): RoutingSample[] =>
  // Two kinds of samples alternate: of each, the second is held out.
  samples.filter((_, s) => Math.floor(s / 2) % 2 === 1);

it('matches layers by their numbers, where every second sample lacks one', () => {
  const samples = mixed();
  const { layers } = predictBalance({ samples });
  expect(layers.map(({ layer }) => layer)).toEqual([0, 1]);
  expect(layers[0].before.counts).toEqual(countsOf(halfOf(samples), 0));
  expect(layers[1].before.counts).toEqual(countsOf(halfOf(samples), 1));
  expect(layers[0].before.counts.slice(2)).toEqual([0, 0, 0, 0, 0, 0]);
  expect(Math.min(...layers[1].before.counts)).toBeGreaterThan(0);
});

it('matches them by module too, whatever their order', () => {
  const samples = mixed().map((sample, s) => {
    const [own] = sample.layers.slice(-1);
    const mlp = { ...own, module: 'mlp' };
    const attention = {
      ...own,
      module: 'attention',
      selected: own.selected.map((_, slot) => slot % 2)
    };
    return { ...sample, layers: s % 2 ? [mlp, attention] : [attention, mlp] };
  });
  const { layers } = predictBalance({ samples });
  const of = (module: string): number[] =>
    layers.find(own => own.module === module)!.before.counts;
  // 12 texts of 50 tokens.
  expect(of('attention')).toEqual([600, 600, 0, 0, 0, 0, 0, 0]);
  expect(of('mlp')).toEqual(countsOf(halfOf(mixed()), 1));
});

it('says of a layer in one sample that it cannot be tried on others', () => {
  const samples = mixed().map((sample, s) => ({
    ...sample,
    layers: s === 0 ? sample.layers : sample.layers.slice(-1)
  }));
  const [rare, common] = predictBalance({ samples }).layers;
  expect(rare).toMatchObject({ layer: 0, bias: null });
  expect(rare.note).toMatch(/too few samples have it/);
  expect(common.layer).toBe(1);
});

it('holds out every second sample of a domain, as ever', () => {
  const samples = samplesOf(anything, {
    samples: 8,
    domains: ['a', 'a', 'b', 'b']
  });
  const [{ before }] = predictBalance({ samples }).layers;
  expect(before.counts).toEqual(
    countsOf(
      samples.filter((_, s) => s % 2 === 1),
      3
    )
  );
});

it('names the edits of a trace, and a file without a hash', () => {
  const trace = {
    samples: mixed(),
    integrity: 'unverified' as const,
    edits: [{ kind: 'scale' as const, layer: 1, expert: 2, value: 0.5 }]
  };
  expect(predictBalance(trace).warnings.slice(0, 2)).toEqual([
    expect.stringMatching(/^unverified: the trace file/) as string,
    'the model had 1 edit: multiply expert 2 of layer 1 by 0.5'
  ]);
});

it('counts a copy of a sample once, so that none is on both sides', () => {
  const samples = samplesOf(anything, { samples: 8 });
  const twice = samples.flatMap(sample => [
    sample,
    { ...sample, id: `copy of ${sample.id}` }
  ]);
  const { heldOut, layers, warnings } = predictBalance({
    samples: twice
  }).toJSON();
  expect(heldOut.prompts).toBe(4);
  expect(layers[0].before.counts).toEqual(
    predictBalance({ samples }).layers[0].before.counts
  );
  expect(warnings.join()).toContain(
    '8 of 16 samples are copies of others and are counted once'
  );
  const copies = samples.slice(0, 1).flatMap(one => [one, one, one]);
  expect(() => predictBalance({ samples: copies })).toThrow(
    'no sample of the trace is held out: 2 of 3 samples are copies'
  );
});

it('takes samples of unknown tokens for different texts', () => {
  const samples = samplesOf(anything, { samples: 8 }).map(sample => ({
    ...sample,
    tokens: sample.tokens.map(({ position }) => ({ position, id: -1 }))
  }));
  expect(predictBalance({ samples }).toJSON().heldOut.prompts).toBe(4);
});
