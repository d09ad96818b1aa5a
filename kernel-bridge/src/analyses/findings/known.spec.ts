/** What was not recorded is not judged, and is listed; what was recorded still is. */
import { anything, samplesOf, type Rule } from '../../../test/made-samples';
import {
  NO_TOKEN_ID,
  type Check,
  type RoutingSample
} from '../../base/protocol';
import { analyze, tokenSetSimilarity } from '../behaviour';
import { tracePipelines } from '../behaviour/trace-pipelines';
import { ngramTriggers } from '../triggers';
import { diagnose } from './diagnose';
import type { Diagnosis } from './diagnosis';
import { formatDiagnosis } from './format-diagnosis';
import { TraceEvidence } from './trace-evidence';

interface Without {
  weights?: boolean;
  logits?: boolean;
  ids?: boolean;
  domains?: boolean;
}

function without(
  samples: RoutingSample[],
  { weights, logits, ids, domains }: Without
): RoutingSample[] {
  return samples.map(({ domain, ...sample }) => ({
    ...sample,
    ...(domains ? {} : { domain }),
    tokens: sample.tokens.map(token =>
      ids ? { position: token.position, id: NO_TOKEN_ID } : token
    ),
    layers: sample.layers.map(layer => ({
      ...layer,
      ...(weights ? { weights: new Float32Array() } : {}),
      ...(logits ? { logits: new Float32Array() } : {})
    }))
  }));
}

const check = ({ checks }: Diagnosis, kind: Check['kind']): Check =>
  checks.find(own => own.kind === kind)!;
const kinds = ({ findings }: Diagnosis): string[] =>
  findings.map(({ kind, experts }) => `${kind} ${experts.join(',')}`);

describe('a capture of expert ids alone', () => {
  const bare = without(samplesOf(anything), {
    weights: true,
    logits: true,
    ids: true,
    domains: true
  });
  const diagnosis = diagnose({ samples: bare });

  it('has no error, and no figure of what it lacks', () => {
    expect(diagnosis.findings).toEqual([]);
    expect(diagnosis.layers[0]).toMatchObject({
      meanWeightSum: null,
      meanWeightMargin: null,
      meanConfidence: null
    });
    const [layer] = analyze({ samples: bare }).layers;
    expect(layer.meanWeight).toEqual(Array(8).fill(null));
    expect(layer.esftGateScore).toEqual(Array(8).fill(null));
    expect(layer.contextStability).toEqual({
      sameId: null,
      anyTwo: null,
      ids: 0
    });
    expect(layer.vocabularySpecialisation).toBeNull();
  });

  it('says what was not looked at, and why', () => {
    expect(check(diagnosis, 'non-finite')).toMatchObject({
      looked: false,
      why: expect.stringMatching(/weights were not recorded.*logits were not/),
      count: 0,
      threshold: null
    });
    expect(check(diagnosis, 'low-confidence')).toMatchObject({
      looked: false,
      why: "the router's logits were not recorded"
    });
    expect(check(diagnosis, 'specialist-expert')).toMatchObject({
      looked: true,
      why: expect.stringMatching(/texts of tokens are unknown; .* no domain/)
    });
    const dead = check(diagnosis, 'dead-expert');
    expect(dead).toMatchObject({ looked: true, count: 0, undecided: 0 });
    expect(dead).not.toHaveProperty('why');
    expect(dead.certainty).toMatch(/1000 effective of 1000 tokens, 300 are/);
    const text = formatDiagnosis(diagnosis);
    expect(text).toContain('low-confidence: not looked at');
    expect(text).toMatch(/looked for and not found: .*dead-expert/);
  });

  it('is an error for what asks for the tokens', () => {
    const evidence = TraceEvidence.of(bare);
    expect(() =>
      tokenSetSimilarity(evidence, evidence.tally.routers[0])
    ).toThrow(expect.objectContaining({ code: 'input' }));
    const pair: Rule = ({ id }) => (id < 30 ? [4, 5] : [1, 2]);
    const unknown = without(samplesOf(pair, { samples: 80 }), { ids: true });
    expect(() => ngramTriggers(unknown)).toThrow(
      expect.objectContaining({ code: 'input' })
    );
    const two = unknown.map(sample => ({
      ...sample,
      layers: [sample.layers[0], { ...sample.layers[0], layer: 4 }]
    }));
    expect(() => tracePipelines(two)).toThrow(
      expect.objectContaining({ code: 'input' })
    );
  });
});

it('finds NaN among recorded weights, and not beside a slot without an expert', () => {
  const [sample, ...rest] = without(samplesOf(anything), { logits: true });
  sample.layers[0].selected[6] = -1;
  sample.layers[0].weights[6] = NaN;
  const dropped = diagnose({ samples: [sample, ...rest] });
  expect(kinds(dropped)).not.toContainEqual(expect.stringMatching(/finite/));
  expect(check(dropped, 'non-finite')).toMatchObject({
    looked: true,
    why: expect.stringMatching(/^the router's logits were not recorded/)
  });
  sample.layers[0].weights[9] = NaN;
  const broken = diagnose({ samples: [sample, ...rest] });
  expect(broken.findings[0]).toMatchObject({
    kind: 'non-finite',
    severity: 'error',
    value: 1
  });
  expect(check(broken, 'non-finite').count).toBe(1);
});

it('measures weights over the tokens that have them', () => {
  const samples = samplesOf(anything, { samples: 4 });
  const half = [
    ...samples.slice(0, 2),
    ...without(samples.slice(2), { weights: true })
  ];
  // Each token has weights of 0.6 and 0.4.
  expect(diagnose({ samples: half }).layers[0].meanWeightSum).toBeCloseTo(1, 6);
  expect(diagnose({ samples: half }).layers[0].meanWeightMargin).toBeCloseTo(
    0.2,
    6
  );
});

describe('a collapsed router', () => {
  const mostly5: Rule = ({ position }) => (position % 40 === 0 ? [1, 2] : [5]);
  it.each<[string, Without]>([
    ['token ids', {}],
    ['unknown tokens', { ids: true }],
    ['unknown tokens and weights', { ids: true, weights: true, logits: true }]
  ])('is found with %s, and so is its imbalance', (_, lacking) => {
    const found = diagnose({ samples: without(samplesOf(mostly5), lacking) });
    expect(found.findings).toContainEqual(
      expect.objectContaining({
        kind: 'router-collapse',
        experts: [5],
        // 960 of 1000 tokens take it first; a few others at random, second.
        value: 0.96
      })
    );
    expect(kinds(found)).toContainEqual(
      expect.stringMatching(/^load-imbalance/)
    );
  });

  it('is undecided where the text is one token again and again', () => {
    const samples = samplesOf(mostly5).map(sample => ({
      ...sample,
      tokens: sample.tokens.map(token => ({ ...token, id: 1 }))
    }));
    const { findings, undecided } = diagnose({ samples });
    expect(findings).toEqual([]);
    expect(undecided.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['router-collapse', 'load-imbalance'])
    );
  });
});
