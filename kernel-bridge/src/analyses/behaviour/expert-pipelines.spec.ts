/** Planted pipelines are found, and no others. */
import { randomNumbers } from '../../../test/graph-builder';
import { samplesOf } from '../../../test/made-samples';
import type { RoutingSample } from '../../base/protocol';
import { alignmentOf, findPipelines, pipelineChains } from './expert-pipelines';
import { tracePipelines } from './trace-pipelines';

/** Expert e of the first layer passes ids below `ids` to the expert that `next` names; other ids are assigned at random. */
function handing(
  next: (expert: number) => number | undefined,
  layers = 2
): RoutingSample[] {
  const random = randomNumbers(5);
  const dealt = (): number => Math.floor(random() * 8);
  const parts = Array.from({ length: layers }, () => {
    // Every id has two experts of its own, different ones in each layer, so that pairs go together only by chance.
    const ofId = Array.from({ length: 60 }, () => {
      const first = dealt();
      return [first, (first + 1 + (dealt() % 7)) % 8];
    });
    return samplesOf(({ id }) => ofId[id]);
  });
  return parts[0].map((sample, s) => {
    const own = parts.map(layer => ({ ...layer[s].layers[0] }));
    for (let l = 1; l < layers; l++) {
      const selected = own[l].selected.slice();
      own[l - 1].selected.forEach((expert, slot) => {
        const to = next(expert);
        const token = Math.floor(slot / 2);
        if (
          to !== undefined &&
          !selected.subarray(2 * token, 2 * token + 2).includes(to)
        ) {
          selected[2 * token] = to;
        }
      });
      own[l].selected = selected;
    }
    return {
      ...sample,
      layers: own.map((layer, l) => ({ ...layer, layer: 2 + l }))
    };
  });
}

it('ranks the planted pair first', () => {
  const samples = handing(expert => (expert === 3 ? 5 : undefined));
  const { steps, tokens, ids, tests } = findPipelines(samples);
  expect(tokens).toBe(20 * 50);
  expect(ids).toBe(60);
  expect(tests).toBe(64);
  expect(steps[0]).toMatchObject({
    from: { layer: 2, expert: 3 },
    to: { layer: 3, expert: 5 }
  });
  // Counted token by token, independently.
  let [first, second, both] = [0, 0, 0];
  for (const { layers } of samples) {
    for (let t = 0; t < 50; t++) {
      const chose = (l: number, expert: number): boolean =>
        layers[l].selected.subarray(2 * t, 2 * t + 2).includes(expert);
      first += chose(0, 3) ? 1 : 0;
      second += chose(1, 5) ? 1 : 0;
      both += chose(0, 3) && chose(1, 5) ? 1 : 0;
    }
  }
  expect(both).toBe(first);
  expect(steps[0].together).toBe(both);
  expect(steps[0].expected).toBeCloseTo((first * second) / 1000, 9);
  expect(steps[0].lift).toBeCloseTo(1000 / second, 9);
  expect(steps[0].correctedP).toBeLessThan(0.01);
  expect(steps[0].correctedP).toBeGreaterThanOrEqual(steps[0].p);
});

it('finds nothing where layers select independently', () => {
  // Many tokens of few ids: a test that counted tokens would report chance as significant.
  const { steps, tests } = findPipelines(handing(() => undefined));
  expect(tests).toBe(64);
  expect(steps).toEqual([]);
});

it('links steps to a chain through the layers', () => {
  const { steps } = findPipelines(
    handing(expert => (expert === 6 ? 6 : undefined), 3),
    { span: 1 }
  );
  const chains = pipelineChains(steps);
  expect(chains[0]).toEqual([2, 3, 4].map(layer => ({ layer, expert: 6 })));
});

it('looks further ahead with a larger span', () => {
  const samples = handing(() => undefined, 3);
  expect(findPipelines(samples).tests).toBe(2 * 64);
  expect(findPipelines(samples, { span: 2 }).tests).toBe(3 * 64);
});

it('takes traces without weights', () => {
  const samples = handing(expert => (expert === 3 ? 5 : undefined));
  const bare = samples.map(sample => ({
    ...sample,
    layers: sample.layers.map(layer => ({
      ...layer,
      weights: new Float32Array()
    }))
  }));
  const [known, unknown] = [samples, bare].map(own => findPipelines(own).steps);
  expect(unknown[0]).toEqual({ ...known[0], correlation: null });
  expect(unknown).toHaveLength(known.length);
});

it('is aligned by 1 where both are always selected together, and by 0 where by chance', () => {
  expect(alignmentOf(20, 100 / 20, 100)).toBeCloseTo(1, 12);
  expect(alignmentOf(4, 1, 100)).toBe(0);
  // 20 of 100 tokens select each, 10 both: ln(10 / 4) / ln(10).
  expect(alignmentOf(10, 10 / 4, 100)).toBeCloseTo(0.39794, 5);
  expect(alignmentOf(0, 0, 100)).toBe(-1);
});

it('is defined for empty samples', () => {
  expect(findPipelines([])).toEqual({ tokens: 0, ids: 0, tests: 0, steps: [] });
});

describe('layers that some samples lack', () => {
  it('leave the lift as it is on the samples that have both', () => {
    const whole = handing(expert => (expert === 3 ? 5 : undefined));
    const half = whole.filter((_, s) => s % 2 === 1);
    const mixed = whole.map((sample, s) => ({
      ...sample,
      layers: sample.layers.slice(s % 2 === 0 ? 1 : 0)
    }));
    const [first] = findPipelines(mixed).steps;
    const [alone] = findPipelines(half).steps;
    const planted = {
      from: { layer: 2, expert: 3 },
      to: { layer: 3, expert: 5 }
    };
    expect(first).toMatchObject(planted);
    expect(alone).toMatchObject(planted);
    expect([first.together, first.expected, first.lift]).toEqual([
      alone.together,
      alone.expected,
      alone.lift
    ]);
    // The same where the later layer is the one that is absent.
    const later = whole.map((sample, s) => ({
      ...sample,
      layers: sample.layers.slice(0, s % 2 === 0 ? 1 : 2)
    }));
    expect(findPipelines(later).steps[0]).toMatchObject({
      ...planted,
      lift: alone.lift
    });
  });
});

it('makes no pipeline of steps that no token takes one after the other', () => {
  // Ids below 12 go from expert 1 to 2, those of 12 to 23 from 2 to 3, in the layers 0, 1 and 2.
  const other = (id: number, l: number): number => 4 + ((id * 7 + l * 3) % 4);
  const chosen = [
    (id: number) => [id < 12 ? 1 : other(id, 0)],
    (id: number) => [id < 24 ? 2 : other(id, 1)],
    (id: number) => [id >= 12 && id < 24 ? 3 : other(id, 2)]
  ];
  const parts = chosen.map(of => samplesOf(({ id }) => of(id), { topK: 1 }));
  const samples = parts[0].map((sample, s) => ({
    ...sample,
    layers: parts.map((own, layer) => ({ ...own[s].layers[0], layer }))
  }));
  const { steps } = findPipelines(samples);
  const named = steps.map(({ from, to }) => `${from.expert} > ${to.expert}`);
  expect(named).toEqual(expect.arrayContaining(['1 > 2', '2 > 3']));
  expect(
    pipelineChains(steps).map(chain => chain.map(own => own.expert))
  ).toContainEqual([1, 2, 3]);
  const { chains, pipelines } = tracePipelines({ samples });
  expect(chains.map(chain => chain.map(own => own.expert))).not.toContainEqual([
    1, 2, 3
  ]);
  const paths = pipelines.map(({ experts }) => experts.map(own => own.expert));
  expect(paths).toContainEqual([1, 2]);
  expect(paths).toContainEqual([2, 3]);
  expect(Math.min(...pipelines.map(({ tokens }) => tokens))).toBeGreaterThan(0);
});
