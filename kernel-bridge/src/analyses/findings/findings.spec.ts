/** Findings on small artificial traces: what is found, what is inconclusive, and what is ignored. */
import * as fc from 'fast-check';
import { anything, samplesOf, type Rule } from '../../../test/made-samples';
import { card } from '../../../test/parquet-rows';
import type { Convention } from '../../routing/convention';
import { diagnose } from './diagnose';
import { type Diagnosis } from './diagnosis';
import { surveyOutputs, type ExpertSurvey } from './expert-survey';
import { connected } from './duplicates';
import { TraceEvidence } from './trace-evidence';

const kinds = ({ findings }: Diagnosis): string[] =>
  findings.map(({ kind, experts }) => `${kind} ${experts.join(',')}`.trim());

describe('diagnose', () => {
  it('reports nothing for a balanced router', () => {
    const diagnosis = diagnose({ samples: samplesOf(anything) });
    expect(diagnosis.findings).toEqual([]);
    expect(diagnosis.undecided).toEqual([]);
    expect(diagnosis).toMatchObject({
      schema: 'moe-debugger/diagnose@1',
      tokens: 1000,
      samples: 20
    });
    expect(diagnosis.layers[0].layer).toBe(3);
  });

  it('finds an expert that nothing selects, and is inconclusive with few tokens', () => {
    const without5: Rule = ({ id, position }) => {
      const rest = [0, 1, 2, 3, 4, 6, 7];
      return [
        rest[(id + position) % 7],
        rest[(id + position + 1 + (id % 5)) % 7]
      ];
    };
    const many = diagnose({ samples: samplesOf(without5) });
    expect(kinds(many)).toEqual(['dead-expert 5']);
    expect(many.findings[0]).toMatchObject({
      severity: 'error',
      value: 0,
      evidence: { selections: 0, tokensSeen: 1000 }
    });
    // The rule of three, over the few contexts less that 60 ids at random repeat.
    const { upperBound, effectiveTokens } = many.findings[0].evidence;
    expect(effectiveTokens).toBeGreaterThan(970);
    expect(upperBound).toBeCloseTo(3 / (effectiveTokens as number), 9);
    const few = diagnose({ samples: samplesOf(without5, { samples: 4 }) });
    expect(few.findings).toEqual([]);
    expect(few.undecided).toMatchObject([
      {
        kind: 'dead-expert',
        experts: [5],
        reason: expect.stringMatching(
          /^cannot tell yet: .* of 200 tokens are new text, about 300 are needed$/
        )
      }
    ]);
  });

  it('has every metric of a layer, and says where the formula of a finding is from', () => {
    const { findings, layers } = diagnose({
      samples: samplesOf(({ id }) => (id % 10 < 9 ? [1] : []), { topK: 1 })
    });
    const uneven = findings.find(({ kind }) => kind === 'load-imbalance')!;
    expect([uneven.metric, uneven.formula]).toEqual([
      'jain',
      '(sum c)^2 / (E sum c^2) (Jain, Chiu and Hawe 1984, DEC-TR-301)'
    ]);
    expect(uneven.value).toBe(layers[0].jain);
    expect(layers[0]).toMatchObject({
      absoluteBalance: expect.any(Number),
      meanConfidence: expect.any(Number),
      tokenRate: expect.any(Array)
    });
    expect(layers[0]).not.toHaveProperty('meanWeight');
  });

  it('calls an expert cold that is selected far less than balance would', () => {
    const rule: Rule = ({ id, position }) =>
      id === 0 && position === 7
        ? [5, 0]
        : [(id + position) % 5, 6 + (position % 2)];
    const found = diagnose({ samples: samplesOf(rule, { samples: 60 }) });
    const cold = found.findings.filter(({ kind }) => kind === 'cold-expert');
    expect(cold.map(({ experts }) => experts)).toEqual([[5]]);
    expect(cold[0].value).toBeGreaterThan(0);
    expect(cold[0].value).toBeLessThan(0.01);
  });

  it('finds imbalance, with a plan that balances the load', () => {
    const rule: Rule = ({ id }) => (id % 10 < 9 ? [1] : []);
    const diagnosis = diagnose({ samples: samplesOf(rule, { topK: 1 }) });
    const [finding] = diagnosis.findings.filter(
      ({ kind }) => kind === 'load-imbalance'
    );
    expect(finding.experts).toEqual([1]);
    expect(finding.value).toBeLessThan(0.3);
    const plan = finding.suggestions.find(
      ({ action }) => action === 'replicas'
    )!.data as { count: number[] };
    // Eight places more, and each goes to it: 0.9 / 9 is more than the others have.
    expect(plan.count).toEqual([1, 9, 1, 1, 1, 1, 1, 1]);
  });

  it('finds a router that selects the same for everything, as first choice or as a set', () => {
    expect(
      kinds(diagnose({ samples: samplesOf(() => [4]) })).filter(kind =>
        kind.startsWith('router-collapse')
      )
    ).toEqual(['router-collapse 4']);
    // The same two experts, in either order.
    const pair: Rule = ({ id }) => (id % 2 === 0 ? [4, 6] : [6, 4]);
    expect(
      kinds(diagnose({ samples: samplesOf(pair) })).filter(kind =>
        kind.startsWith('router-collapse')
      )
    ).toEqual(['router-collapse 4,6']);
    // Selecting all of all experts is not a collapse.
    const all = samplesOf(() => [0, 1], { experts: 2, topK: 2 });
    expect(kinds(diagnose({ samples: all }))).toEqual([]);
  });

  it('does not judge a router by few distinct tokens', () => {
    const samples = samplesOf(() => [4]).map(sample => ({
      ...sample,
      tokens: sample.tokens.map(token => ({ ...token, id: 1 }))
    }));
    expect(
      kinds(diagnose({ samples })).filter(kind =>
        /collapse|imbalance/.test(kind)
      )
    ).toEqual([]);
  });

  it('finds a router with nearly uniform probabilities', () => {
    const flat = diagnose({ samples: samplesOf(anything, { height: 0.02 }) });
    expect(kinds(flat)).toEqual(['low-confidence']);
    expect(flat.findings[0].value).toBe(0);
    const few = samplesOf(anything, { height: 0.02, samples: 1, length: 2 });
    expect(kinds(diagnose({ samples: few }))).toEqual([]);
    expect(
      diagnose({ samples: few }).undecided.map(({ kind }) => kind)
    ).toContain('low-confidence');
    const without = samplesOf(anything).map(sample => ({
      ...sample,
      layers: sample.layers.map(layer => ({
        ...layer,
        logits: new Float32Array(0)
      }))
    }));
    const unknown = diagnose({ samples: without });
    expect(kinds(unknown)).toEqual([]);
    expect(unknown.layers[0].meanConfidence).toBeNull();
  });

  describe('names the expert that non-finite values come from', () => {
    const [sample] = samplesOf(anything, { samples: 1 });
    const [layer] = sample.layers;
    // Expert 3 of the first layer breaks the input of the second, from the first token that selects it.
    const selected = Int32Array.from(layer.selected, (e, i) =>
      i < 40 ? e % 3 : e
    );
    selected[20 * 2] = 3;
    for (let t = 0; t < 50; t++) {
      if (t !== 20 && t < 20) {
        selected[t * 2] = t % 3;
        selected[t * 2 + 1] = 4 + (t % 4);
      }
    }
    selected[20 * 2 + 1] = 4;
    const broken = Float32Array.from(layer.logits, (x, i) =>
      i >= 20 * 8 ? NaN : x
    );
    const damaged = {
      ...sample,
      layers: [
        { ...layer, selected },
        { ...layer, layer: 5, logits: broken }
      ]
    };
    // It lacks layer 3. That its tokens stay finite acquits no expert there.
    const whole = {
      ...sample,
      id: 'whole',
      layers: [
        {
          ...layer,
          layer: 5,
          selected: layer.selected.map((_, i) => 3 + (i % 2))
        }
      ]
    };
    it.each([
      ['one sample', [damaged]],
      ['a trace whose first sample lacks the layer', [whole, damaged]],
      ['a trace whose last sample lacks the layer', [damaged, whole]]
    ])('of %s', (_, samples) => {
      const found = diagnose({ samples }).findings.filter(
        ({ kind }) => kind === 'non-finite'
      );
      expect(found).toMatchObject([
        { severity: 'error', layer: 3, experts: [3], value: 30 }
      ]);
      expect(found[0].evidence.tokens![0]).toMatchObject({ position: 20 });
    });
  });

  it('attributes a non-finite output to the expert that its tokens share', () => {
    const samples = samplesOf(anything, { samples: 12 });
    const evidence = new TraceEvidence();
    for (const sample of samples) {
      const { selected } = sample.layers[0];
      evidence.add(sample, {
        finiteOutputs: sample.tokens.map((_, t) =>
          selected[t * 2] === 6 || selected[t * 2 + 1] === 6 ? 0 : 1
        )
      });
    }
    const found = diagnose(evidence).findings.filter(
      ({ kind }) => kind === 'non-finite'
    );
    expect(found).toMatchObject([{ layer: 3, experts: [6] }]);
  });

  it('reports slots without an expert, as dropped over capacity where the model or the trace has one', () => {
    const samples = samplesOf(anything);
    samples.forEach(({ layers: [layer] }) => (layer.selected[3] = -1));
    const [{ layer, experts, topK }] = samples[0].layers;
    const [unknown] = diagnose({ samples }).findings;
    expect(unknown).toMatchObject({
      kind: 'empty-slots',
      experts: [],
      value: 0.01,
      severity: 'info',
      suggestions: []
    });
    expect(unknown.message).toMatch(/have no expert; nothing says/);
    const capacity = 8;
    const cards = [{ ...card(layer, { experts, topK }), capacity }];
    const routers = [{ layer, convention: { capacity } as Convention }];
    for (const { findings } of [
      diagnose({ samples, cards }),
      diagnose({ samples }, { routers })
    ]) {
      expect(findings).toMatchObject([
        { kind: 'capacity-overflow', value: 0.01, severity: 'info' }
      ]);
      expect(findings[0].message).toMatch(/were dropped over capacity/);
    }
    // Another layer's capacity says nothing of this one.
    expect(
      diagnose({ samples, cards: [{ ...cards[0], layer: layer + 1 }] })
        .findings[0].kind
    ).toBe('empty-slots');
  });

  it('finds duplicates in weights, and non-finite weights', () => {
    const survey: ExpertSurvey = {
      layer: 3,
      experts: 4,
      nonFinite: Float64Array.of(0, 0, 2, 0),
      elements: new Float64Array(4).fill(100),
      similarity: new Float64Array(16),
      pairs: [
        { experts: [0, 3], relativeDifference: 0 },
        { experts: [1, 2], relativeDifference: 0.05 },
        { experts: [0, 1], relativeDifference: 0.6 }
      ]
    };
    const diagnosis = diagnose(
      { samples: samplesOf(anything, { experts: 4 }) },
      { experts: [survey] }
    );
    expect(kinds(diagnosis)).toEqual([
      'non-finite 2',
      'duplicate-experts 0,3',
      'duplicate-experts 1,2'
    ]);
    expect(diagnosis.findings[1].evidence.exact).toBe(true);
    expect(diagnosis.findings[2].value).toBe(0.05);
    expect(diagnosis.coverage.routersWithWeights).toBe(1);
  });

  it('finds experts with equal outputs and different weights', () => {
    const outputs = [
      [1, 0, 2, -1],
      [0, 3, 1, 1],
      [1.02, 0, 1.98, -1],
      [NaN, 1, 0, 0]
    ];
    const diagnosis = diagnose(
      { samples: samplesOf(anything, { experts: 4 }) },
      { experts: [surveyOutputs({ layer: 3 }, outputs, 0.95)] }
    );
    expect(kinds(diagnosis)).toEqual(['non-finite 3', 'duplicate-experts 0,2']);
    const [, duplicates] = diagnosis.findings;
    expect(duplicates.metric).toBe('relativeOutputDifference');
    // 0.02 sqrt 2 over the root mean square norm of the two.
    expect(duplicates.value).toBeCloseTo(
      (0.02 * Math.SQRT2) / Math.sqrt((6 + (1.02 ** 2 + 1.98 ** 2 + 1)) / 2),
      6
    );
    expect(diagnosis.coverage.routersWithWeights).toBe(0);
  });

  it('finds drift against other texts, and none against the same', () => {
    const now = samplesOf(({ id }) => (id % 2 === 0 ? [1] : []));
    const before = samplesOf(anything);
    expect(
      kinds(diagnose({ samples: now }, { baseline: { samples: before } }))
    ).toContainEqual(expect.stringMatching(/^drift 1/));
    expect(
      kinds(diagnose({ samples: before }, { baseline: { samples: before } }))
    ).toEqual([]);
  });

  it('finds a window of a trace that is unlike the rest', () => {
    const samples = samplesOf(anything, { samples: 60, length: 256 });
    const odd = samplesOf(() => [2, 3], { samples: 2, length: 256 });
    const { findings } = diagnose({
      samples: [...samples.slice(0, 30), ...odd, ...samples.slice(30)]
    });
    const [anomaly] = findings.filter(({ kind }) => kind === 'anomaly');
    expect(anomaly.evidence.windows).toMatchObject([
      { fromToken: 30 * 256 },
      { fromToken: 31 * 256 }
    ]);
  });

  it('accepts thresholds by name, and rejects unknown ones', () => {
    const samples = samplesOf(({ id }) => (id % 10 < 9 ? [1] : []), {
      topK: 1
    });
    const balance = (load_balance_threshold: number): string[] =>
      kinds(
        diagnose({ samples }, { thresholds: { load_balance_threshold } })
      ).filter(kind => kind.startsWith('load-imbalance'));
    expect(balance(0.8)).toHaveLength(1);
    expect(balance(0.1)).toHaveLength(0);
    for (const thresholds of [{ nothing: 1 }, { significance: 2 }]) {
      expect(() => diagnose({ samples }, { thresholds })).toThrow(
        expect.objectContaining({ code: 'input' })
      );
    }
  });

  it('returns a document for any shape, without NaN', () => {
    const shapes = fc.integer({ min: 1, max: 6 }).chain(experts =>
      fc.record({
        experts: fc.constant(experts),
        topK: fc.integer({ min: 1, max: experts }),
        samples: fc.integer({ min: 0, max: 3 }),
        length: fc.integer({ min: 0, max: 5 }),
        height: fc.constantFrom(0, 1, NaN, Infinity)
      })
    );
    fc.assert(
      fc.property(shapes, shape => {
        const diagnosis = diagnose({ samples: samplesOf(anything, shape) });
        expect(diagnosis.tokens).toBe(shape.samples * shape.length);
        const walk = (value: unknown): void => {
          if (typeof value === 'number') {
            expect(value).not.toBeNaN();
          } else if (typeof value === 'object' && value !== null) {
            Object.values(value).forEach(walk);
          }
        };
        walk(diagnosis);
      }),
      { numRuns: 60 }
    );
  });
});

it('groups pairs that share an expert', () => {
  expect(
    connected([
      [0, 1],
      [4, 5],
      [1, 2],
      [2, 5]
    ])
  ).toEqual([[0, 1, 2, 4, 5]]);
});
