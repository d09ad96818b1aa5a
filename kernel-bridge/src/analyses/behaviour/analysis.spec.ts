/** Analyses of artificial traces with known results. */
import { anything, samplesOf, type Rule } from '../../../test/made-samples';
import { TraceEvidence } from '../findings/trace-evidence';
import { pipelines } from '../../measures';
import type { RoutingSample } from '../../base/protocol';
import { analyze } from './analyze';
import { sideBySide } from './side-by-side';
import { tokenSetSimilarity } from './token-ids';

const layerOf = (samples: RoutingSample[]) => analyze({ samples }).layers[0];

describe('analyze', () => {
  it('gives each expert one role, with its evidence', () => {
    const rule: Rule = ({ domain, position, id }) =>
      position === 0
        ? [7, 0]
        : domain === 'b'
          ? [6, id % 4]
          : [position % 5, (position + 1 + (id % 3)) % 5];
    const { roles, domains, uniformTokenRate } = layerOf(
      samplesOf(rule, { domains: ['a', 'b', 'c', 'd'], samples: 60 })
    );
    expect(roles[6]).toMatchObject({
      role: 'specialist',
      category: 'domain',
      class: 'b'
    });
    expect(roles[6].correctedP).toBeLessThan(0.05);
    expect(roles[7]).toMatchObject({
      role: 'positional',
      class: 'first token'
    });
    expect(roles[5].role).toBe('rare');
    expect(roles[1].role).toBe('generalist');
    expect(uniformTokenRate).toBe(0.25);
    const b = domains.find(({ domain }) => domain === 'b')!;
    expect(b.tokenRate[6]).toBeCloseTo(49 / 50, 12);
  });

  it('splits the choice of experts into token and context', () => {
    const byId = layerOf(samplesOf(({ id }) => [id % 8, (id + 3) % 8]));
    expect(byId.contextStability.sameId).toBeCloseTo(1, 12);
    expect(byId.vocabularySpecialisation).toBeCloseTo(0.5, 12);
    const random = layerOf(samplesOf(anything, { samples: 60 }));
    const { sameId, anyTwo } = random.contextStability;
    expect(Math.abs(sameId! - anyTwo!)).toBeLessThan(0.02);
    // Two random selections of 2 of 8 share a quarter of their experts.
    expect(anyTwo).toBeCloseTo(0.25, 1);
  });

  it('follows experts from layer to layer like a correlation of whole matrices', () => {
    const samples = samplesOf(anything, { samples: 8 }).map(sample => {
      const [layer] = sample.layers;
      // Expert e passes its tokens to expert 7 - e, most of the time.
      const selected = layer.selected.map((e, slot) =>
        slot % 5 === 0 ? e : 7 - e
      );
      return {
        ...sample,
        layers: [layer, { ...layer, layer: 4, selected }]
      };
    });
    const dense = (index: number): Float64Array => {
      const rows = samples.flatMap(({ layers, tokens }) =>
        tokens.map((_, t) => {
          const row = new Float64Array(8);
          for (const k of [0, 1]) {
            row[layers[index].selected[2 * t + k]] +=
              layers[index].weights[2 * t + k];
          }
          return row;
        })
      );
      return Float64Array.from(rows.flatMap(row => [...row]));
    };
    const found = analyze({ samples }).layers[1].pipelines!;
    expect(found.fromLayer).toBe(3);
    expect(found.steps.map(({ from, to }) => to === 7 - from)).toEqual(
      new Array(8).fill(true)
    );
    const expected = pipelines(dense(0), dense(1), 8 * 50);
    expect(found.steps).toHaveLength(expected.length);
    found.steps.forEach((step, i) =>
      expect(step.correlation).toBeCloseTo(expected[i].correlation, 1)
    );
  });

  it('is defined for no samples and for one token', () => {
    expect(analyze({ samples: [] }).layers).toEqual([]);
    const one = analyze({
      samples: samplesOf(anything, { samples: 1, length: 1 })
    });
    expect(one.layers[0].contextStability).toMatchObject({
      sameId: null,
      ids: 0
    });
    expect(JSON.stringify(one)).not.toMatch(/NaN|Infinity/);
  });
});

it('compares the tokens that select two experts', () => {
  const evidence = TraceEvidence.of(
    samplesOf(({ id }) => (id < 30 ? [0, 1] : [2, 3]))
  );
  const matrix = tokenSetSimilarity(evidence, evidence.tally.routers[0]);
  expect(matrix[0 * 8 + 1]).toBe(1);
  expect(matrix[0 * 8 + 2]).toBe(0);
  // Two empty sets are equal.
  expect(matrix[6 * 8 + 7]).toBe(1);
});

it('compares models by relative depth', () => {
  const deep = samplesOf(anything).map(sample => ({
    ...sample,
    layers: [0, 1, 2].map(layer => ({ ...sample.layers[0], layer }))
  }));
  const rows = sideBySide([
    analyze({ samples: deep, model: 'deep' }),
    analyze({ samples: samplesOf(() => [1, 2]), model: 'shallow' }),
    analyze({ samples: [] })
  ]);
  expect(
    rows.map(({ depth, models }) => [depth, ...models.map(m => m.layer)])
  ).toEqual([
    [0, 0, 3],
    [0.5, 1, 3],
    [1, 2, 3]
  ]);
  const [deepest, shallow] = rows[2].models;
  expect(deepest.model).toBe('deep');
  // Chance gives 1: the first choice stays on one of eight transitions.
  expect(deepest.repetitionOverChance).toBeGreaterThan(0.5);
  expect(deepest.repetitionOverChance).toBeLessThan(1.5);
  expect(shallow.repetitionOverChance).toBe(8);
  expect(
    Object.values(shallow.roles).reduce((sum, share) => sum + share, 0)
  ).toBeCloseTo(1, 12);
});
