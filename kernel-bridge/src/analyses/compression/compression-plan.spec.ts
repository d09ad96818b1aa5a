/** A plan for a layer with one expert that adds nothing and one duplicate, compared with plain loops. */
import { TinyWeights, type TinyForward } from '../../../test/tiny-forward';
import type { GraphBuilder } from '../../../test/graph-builder';
import { tinyMoE, type TinyOptions } from '../../../test/tiny-moe';
import { loadModel } from '../../api/load-model';
import type { MoEModel } from '../../api/moe-model';
import type { PromptObject } from '../../run/model/prompt';
import { inlineValues } from '../../onnx/file/tensor';
import type { CompressionPlan } from './compression-plan';
import { compressionPlan } from './make-plan';

const [EXPERTS, TOP_K, KEEP] = [8, 2, 5];
const [USELESS, COPIED, COPY] = [6, 1, 4];

const prompts: Required<Pick<PromptObject, 'inputIds' | 'domain'>>[] =
  Array.from({ length: 8 }, (_, i) => ({
    domain: i < 4 ? 'low' : 'high',
    inputIds: Array.from(
      { length: 14 },
      (__, t) => ((i * 7 + t * (3 + i)) % 25) + (i < 4 ? 0 : 25)
    )
  }));
const heldOut = prompts.filter((_, i) => i % 2 === 1);

let model: MoEModel;
let weights: TinyWeights;
let calibration: TinyForward[];
let plan: CompressionPlan;
const progress: [number, number][] = [];

/** Expert 6 adds nothing, and expert 4 is a copy of expert 1. */
function planted(picks: TinyOptions['picks']): GraphBuilder {
  const graph = tinyMoE({
    layers: 1,
    norms: false,
    experts: EXPERTS,
    seed: 3,
    picks
  });
  for (const tensor of graph.initializers.filter(
    ({ name, dims }) => name!.startsWith('weight') && dims.length === 3
  )) {
    const values = Float32Array.from(inlineValues(tensor)!);
    const size = values.length / EXPERTS;
    values.copyWithin(COPY * size, COPIED * size, (COPIED + 1) * size);
    if (tensor.dims.map(Number)[2] === 16) {
      values.fill(0, USELESS * size, (USELESS + 1) * size);
    }
    tensor.rawData = new Uint8Array(values.buffer);
  }
  return graph;
}

beforeAll(async () => {
  const graph = planted('one-hot');
  weights = new TinyWeights(graph);
  calibration = prompts
    .filter((_, i) => i % 2 === 0)
    .map(({ inputIds }) => weights.forward(inputIds, TOP_K));
  model = await loadModel(graph.save());
  plan = await compressionPlan(model, prompts, {
    keep: KEEP,
    onProgress: ({ done, total }) => progress.push([done, total])
  });
});
afterAll(() => model.dispose());

const norm = (values: readonly number[]): number =>
  Math.sqrt(values.reduce((total, x) => total + x * x, 0));

/** Sums over calibration tokens that select an expert. */
function byHand(): { tokens: number; ean: number; reap: number }[] {
  return Array.from({ length: EXPERTS }, (_, e) => {
    let [tokens, ean, gated] = [0, 0, 0];
    for (const run of calibration) {
      run.selected.forEach((chosen, t) => {
        const slot = chosen.indexOf(e);
        if (slot >= 0) {
          tokens++;
          ean += norm(run.outputs[t][e]);
          gated += run.weights[t][slot] * norm(run.outputs[t][e]);
        }
      });
    }
    return { tokens, ean, reap: gated / tokens };
  });
}

it('computes frequency, EAN and REAP like loops over the weights', () => {
  const [{ rows, tokens }] = plan.layers;
  expect(tokens).toBe(4 * 14);
  byHand().forEach((expected, e) => {
    expect(rows[e].tokens).toBe(expected.tokens);
    expect(rows[e].ean).toBeCloseTo(expected.ean, 3);
    if (expected.tokens > 0) {
      expect(rows[e].reap).toBeCloseTo(expected.reap, 4);
    } else {
      expect(rows[e].reap).toBeNull();
    }
  });
});

it('merges the copy and prunes the expert that adds nothing', () => {
  const [{ merge, prune, keep, rows }] = plan.layers;
  const hand = byHand();
  const [goes, into] =
    hand[COPIED].tokens < hand[COPY].tokens ? [COPIED, COPY] : [COPY, COPIED];
  expect(merge).toMatchObject([{ expert: goes, into }]);
  expect(merge[0].difference).toBeLessThan(1e-3);
  expect(rows[COPIED].nearest!.expert).toBe(COPY);
  expect(prune).toContain(USELESS);
  expect(rows[USELESS].reap).toBeCloseTo(0, 5);
  const others = hand
    .map(({ reap }, e) => ({ e, reap: Number.isNaN(reap) ? -1 : reap }))
    .filter(({ e }) => e !== goes && e !== into)
    .sort((a, b) => a.reap - b.reap);
  expect(prune).toEqual([others[0].e, others[1].e].sort((a, b) => a - b));
  expect(keep).toHaveLength(KEEP);
});

it('reports where criteria disagree', () => {
  const [{ removals, disagreements }] = plan.layers;
  const hand = byHand();
  const rarest = hand
    .map(({ tokens }, e) => ({ e, tokens }))
    .sort((a, b) => a.tokens - b.tokens || b.e - a.e)
    .slice(0, EXPERTS - KEEP)
    .map(({ e }) => e)
    .sort((a, b) => a - b);
  expect(removals.frequency).toEqual(rarest);
  expect(removals.reap).toContain(USELESS);
  const disputed = disagreements.find(({ expert }) => expert === USELESS);
  // Tokens select it as often as others: frequency alone would keep it.
  expect(rarest).not.toContain(USELESS);
  expect(disputed!.removedBy).toContain('reap');
  expect(disputed!.keptBy).toContain('frequency');
});

it("finds NAEE's best set like an exhaustive loop", () => {
  const [{ naee, removals, keep }] = plan.layers;
  const error = (kept: readonly number[]): number => {
    const masked = Array.from({ length: EXPERTS }, (_, e) => e).filter(
      e => !kept.includes(e)
    );
    return norm(
      prompts
        .filter((_, i) => i % 2 === 0)
        .flatMap(({ inputIds }, i) =>
          weights
            .forward(inputIds, TOP_K, { masked })
            .added.flatMap((row, t) =>
              row.map((x, d) => x - calibration[i].added[t][d])
            )
        )
    );
  };
  expect(naee!.planError).toBeCloseTo(error(keep), 3);
  expect(naee!.error).toBeCloseTo(error(naee!.keep), 3);
  expect(removals.naee).toEqual(
    [0, 1, 2, 3, 4, 5, 6, 7].filter(e => !naee!.keep.includes(e))
  );
  for (let out = 0; out < EXPERTS; out++) {
    // Neighbours of the best set, with one expert exchanged, are no better.
    const inside = naee!.keep.includes(out) ? undefined : out;
    for (const gone of inside === undefined ? [] : naee!.keep) {
      const other = naee!.keep.map(e => (e === gone ? out : e));
      expect(error(other)).toBeGreaterThanOrEqual(naee!.error - 1e-4);
    }
  }
});

it('measures loss and KL on held-out prompts, by domain', () => {
  const [{ prune, merge }] = plan.layers;
  const edits = {
    masked: prune,
    swapped: new Map(merge.map(({ expert, into }) => [expert, into]))
  };
  const expected = (domain?: string): Record<string, number> => {
    const sums = { loss: 0, lossWithPlan: 0, kl: 0 };
    let tokens = 0;
    for (const own of heldOut) {
      if (domain !== undefined && own.domain !== domain) {
        continue;
      }
      const [before, after] = [{}, edits].map(
        changed =>
          weights.forward(own.inputIds, TOP_K, changed).logProbabilities
      );
      own.inputIds.slice(1).forEach((next, t) => {
        tokens++;
        sums.loss -= before[t][next];
        sums.lossWithPlan -= after[t][next];
        before[t].forEach(
          (log, i) => (sums.kl += Math.exp(log) * (log - after[t][i]))
        );
      });
    }
    return Object.fromEntries(
      Object.entries(sums).map(([name, total]) => [name, total / tokens])
    );
  };
  const { all, domains } = plan.effect!;
  expect(domains.map(({ domain }) => domain)).toEqual(['low', 'high']);
  for (const own of [all, ...domains]) {
    const hand = expected(own.domain ?? undefined);
    expect(own.loss).toBeCloseTo(hand.loss, 3);
    expect(own.lossWithPlan).toBeCloseTo(hand.lossWithPlan, 3);
    expect(own.kl).toBeCloseTo(hand.kl, 3);
    expect(own.change).toBeCloseTo(hand.lossWithPlan - hand.loss, 3);
  }
  for (const own of domains) {
    // Two prompts of equal length: a mean of two values, and t with one degree of freedom.
    const [one, other] = heldOut
      .filter(({ domain }) => domain === own.domain)
      .map(({ inputIds }) => {
        const [before, after] = [{}, edits].map(
          changed => weights.forward(inputIds, TOP_K, changed).logProbabilities
        );
        return inputIds
          .slice(1)
          .reduce((sum, next, t) => sum + before[t][next] - after[t][next], 0);
      });
    expect(own.changeHalfWidth).toBeCloseTo(
      (12.706 * Math.abs(one - other)) / 13 / 2,
      2
    );
  }
  expect(all.tokens).toBe(heldOut.length * 13);
  expect(all.kl).toBeGreaterThan(0);
});

it('changes nothing when only the duplicate is removed', async () => {
  const merged = await compressionPlan(model, prompts.slice(0, 2), {
    keep: EXPERTS - 1
  });
  expect(merged.layers[0].merge).toHaveLength(1);
  expect(merged.layers[0].prune).toEqual([]);
  expect(merged.effect!.all.kl).toBeLessThan(1e-6);
});

it('masks merged experts where the graph supports no swap, and warns', async () => {
  const scattering = await loadModel(planted('scatter').save());
  try {
    const masking = await compressionPlan(scattering, prompts, {
      keep: EXPERTS - 1
    });
    const [{ merge, prune }] = masking.layers;
    expect([merge.length, prune.length]).toEqual([1, 0]);
    expect(masking.edits.ablate).toMatchObject([
      { layer: 0, expert: merge[0].expert, mode: 'mask' }
    ]);
    expect(masking.effect!.all.kl).toBeGreaterThan(1e-4);
    expect(masking.warnings.join()).toMatch(
      /layer 0: the graph does not support a swap/
    );
  } finally {
    await scattering.dispose();
  }
});

it('distributes LoRA ranks among the remaining experts', () => {
  const [{ rows, keep }] = plan.layers;
  const used = keep.filter(e => rows[e].tokens > 0).length;
  expect(rows.reduce((sum, { loraRank }) => sum + loraRank, 0)).toBe(8 * used);
  rows
    .filter(({ decision }) => decision !== 'keep')
    .forEach(({ loraRank }) => expect(loraRank).toBe(0));
});

it('reports progress, and returns a document and text', () => {
  expect(progress.at(-1)![0]).toBe(progress.at(-1)![1]);
  expect(progress.map(([done]) => done)).toEqual(progress.map((_, i) => i + 1));
  const document = JSON.parse(JSON.stringify(plan)) as unknown;
  expect(document).toEqual(plan.toJSON());
  expect(document).toMatchObject({ schema: 'moe-debugger/compression@1' });
  expect(plan.toString()).toMatch(/layer 0: keep 5 of 8; prune .*; merge /);
  expect(plan.toString()).toContain('low: loss ');
});

it.each([
  [{}, /exactly one of keep and ratio/],
  [{ keep: 4, ratio: 0.5 }, /exactly one of keep and ratio/],
  [{ keep: 1 }, /cannot keep 1 of 8 experts.*layer 0/],
  [{ keep: 2.5 }, /cannot keep 2.5 of 8 experts/],
  [{ ratio: 1 }, /invalid ratio 1/],
  [{ keep: 4, by: 'luck' as never }, /no criterion named luck/],
  [{ keep: 4, mergeDifference: NaN }, /invalid merge difference NaN/],
  [{ keep: 4, loraRank: 0 }, /invalid LoRA rank 0/],
  [{ keep: 4, heldOut: [[1]] }, /no held-out prompt/]
])('rejects %j', async (options, message) => {
  await expect(compressionPlan(model, prompts, options)).rejects.toThrow(
    message
  );
});

it('stops when it is cancelled', async () => {
  const abort = new AbortController();
  const runs = jest.fn(() => abort.abort());
  await expect(
    compressionPlan(model, prompts, {
      ratio: 0.5,
      signal: abort.signal,
      onProgress: runs
    })
  ).rejects.toMatchObject({ code: 'cancelled' });
  expect(runs.mock.calls.length).toBeLessThan(5);
});
