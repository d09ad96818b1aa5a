/** Roles: what they rest on, that `diagnose` and `analyze` agree, and what cannot be told. */
import { anything, samplesOf } from '../../../test/made-samples';
import { plantedTrace } from '../../../test/planted-routing';
import { NO_TOKEN_ID, type RoutingSample } from '../../base/protocol';
import { analyze } from '../behaviour';
import { diagnose } from './diagnose';
import type { ExpertRole } from './roles';
import { TraceEvidence } from './trace-evidence';

const rolesOf = (samples: RoutingSample[]): ExpertRole[] =>
  analyze({ samples }).layers[0].roles;

const planted = (
  ratio: number,
  texts = 64,
  domainOf?: (text: number) => string | undefined
): RoutingSample[] =>
  plantedTrace({
    experts: 16,
    topK: 2,
    texts,
    length: 60,
    seed: 3,
    planted: [{ expert: 5, ratio, className: 'german' }],
    ...(domainOf ? { domainOf } : {})
  });

describe('the role of an expert', () => {
  it('is strong, partial or none by how much more a domain selects it', () => {
    const [strong, partial, none] = [7, 2.2, 1].map(
      ratio => rolesOf(planted(ratio))[5]
    );
    expect(strong).toMatchObject({
      role: 'specialist',
      degree: 'strong',
      category: 'domain',
      class: 'german'
    });
    expect(partial).toMatchObject({
      role: 'specialist',
      degree: 'partial',
      class: 'german'
    });
    expect(none).toMatchObject({ role: 'generalist', leanings: [] });
    expect(none).not.toHaveProperty('class');
  });

  it('has its lift with an interval, its shares both ways, its tokens and its breadth', () => {
    const samples = planted(4);
    const own = rolesOf(samples)[5];
    const counts = { class: 0, classTokens: 0, all: 0, tokens: 0 };
    samples.forEach(({ domain, layers: [{ selected }] }) => {
      const taken = selected.filter(expert => expert === 5).length;
      counts.all += taken;
      counts.tokens += 60;
      counts.class += domain === 'german' ? taken : 0;
      counts.classTokens += domain === 'german' ? 60 : 0;
    });
    const rate = counts.class / counts.classTokens;
    expect(own.classTokenRate).toBeCloseTo(rate, 12);
    expect(own.slotShareOfExpert).toBeCloseTo(counts.class / counts.all, 12);
    expect(own.lift).toBeCloseTo(rate / (counts.all / counts.tokens), 12);
    // Planted: four times as often in a quarter of the text is 4 / (0.25 x 4 + 0.75) of the rate of all.
    const [low, high] = own.liftInterval!;
    expect(low).toBeLessThan(4 / 1.75);
    expect(high).toBeGreaterThan(4 / 1.75);
    expect(low).toBeGreaterThan(1.8);
    expect(high).toBeLessThan(2.8);
    expect(own.correctedP).toBeLessThan(0.01);
    expect(own.tokens).toHaveLength(5);
    expect(own.tokens[0].count).toBeGreaterThanOrEqual(own.tokens[4].count!);
    // Rates of 4, 1, 1 and 1: exp(entropy) is 3.2 of four domains.
    expect(own.breadth.domain).toBeCloseTo(0.8, 1);
    expect(own.breadth['token type']).toBeGreaterThan(0.95);
  });

  it('may be of what stands before a token', () => {
    const text = (id: number): string =>
      id < 12 ? `${id}` : `w${'x'.repeat(id)}`;
    const samples = samplesOf(anything, { samples: 40, text });
    let state = 1;
    for (const {
      tokens,
      layers: [{ selected }]
    } of samples) {
      for (let t = 1; t < tokens.length; t++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        if (tokens[t - 1].id < 12 && state < 0.8 * 2 ** 32) {
          selected.set([6, selected[2 * t] === 6 ? 1 : selected[2 * t]], 2 * t);
        }
      }
    }
    expect(rolesOf(samples)[6]).toMatchObject({
      role: 'specialist',
      category: 'context',
      class: 'after digits'
    });
  });

  it('is the same for `diagnose`: strong ones each, partial ones a layer', () => {
    const samples = planted(4);
    samples.forEach((sample, i) =>
      sample.layers.push({
        ...planted(2)[i].layers[0],
        layer: 1
      })
    );
    const { layers } = analyze({ samples });
    const { findings } = diagnose({ samples });
    const ofDegree = (degree: string): [number, number, string][] =>
      layers.flatMap(({ layer, roles }) =>
        roles
          .filter(role => role.degree === degree)
          .map((role): [number, number, string] => [
            layer,
            role.expert,
            role.class!
          ])
      );
    const strong = findings
      .filter(({ kind }) => kind === 'specialist-expert')
      .map(({ layer, experts, evidence }) => [
        layer,
        experts[0],
        evidence.class
      ]);
    expect(strong).toContainEqual([0, 5, 'german']);
    expect(strong).toEqual(ofDegree('strong'));
    const partial = findings
      .filter(({ kind }) => kind === 'partial-specialist')
      .flatMap(({ layer, evidence }) =>
        (evidence.effects as { expert: number; class: string }[]).map(own => [
          layer,
          own.expert,
          own.class
        ])
      );
    expect(partial).toContainEqual([1, 5, 'german']);
    expect(new Set(partial.map(String))).toEqual(
      new Set(ofDegree('partial').map(String))
    );
  });
});

describe('what cannot be told', () => {
  const reasons = (samples: RoutingSample[]): string[] => {
    const analysis = analyze({ samples });
    expect(JSON.stringify([analysis, diagnose({ samples })])).not.toMatch(
      /NaN|Infinity/
    );
    return analysis.layers[0].roles.map(
      ({ role, reason }) => `${role}: ${reason}`
    );
  };
  const bare = (sample: RoutingSample): RoutingSample => ({
    ...sample,
    tokens: sample.tokens.map(({ position }) => ({
      position,
      id: NO_TOKEN_ID
    })),
    layers: sample.layers.map(layer => ({
      ...layer,
      weights: new Float32Array()
    }))
  });
  const only = (text: number): string | undefined =>
    text < 0 ? 'a' : undefined;

  it.each<[string, () => RoutingSample[], RegExp]>([
    [
      'one token',
      () =>
        planted(4, 1).map(s => ({
          ...s,
          tokens: s.tokens.slice(0, 1),
          layers: s.layers.map(l => ({
            ...l,
            selected: l.selected.slice(0, 2)
          }))
        })),
      /^unclear: no class of its tokens is known/
    ],
    [
      'one text',
      () => planted(4, 1),
      /^unclear: cannot tell yet: 1 text that repeats no other/
    ],
    [
      'short texts without ids, texts, domains and weights',
      () =>
        samplesOf(anything, { length: 8 }).map(({ domain: _, ...s }) =>
          bare(s)
        ),
      /^unclear: no class of its tokens is known/
    ],
    [
      'k = E',
      () => samplesOf(() => [0, 1, 2], { experts: 3, topK: 3, samples: 40 }),
      /^unclear: each token selects all experts/
    ]
  ])('of %s is said', (_, samples, reason) => {
    const all = reasons(samples());
    expect(all.length).toBeGreaterThan(0);
    expect(all.filter(text => !reason.test(text))).toEqual([]);
  });

  it('of two experts and unlabelled text is little: positions and types are left', () => {
    const samples = plantedTrace({
      experts: 2,
      topK: 1,
      texts: 60,
      length: 60,
      seed: 2,
      planted: [{ expert: 1, ratio: 1.9, className: 'digits' }],
      domainOf: only
    });
    const [first, second] = rolesOf(samples);
    expect(second).toMatchObject({ category: 'token type', class: 'digits' });
    // What one of two does not take, the other does: all but digits.
    expect(first.class).not.toBe('digits');
    expect(second.breadth).not.toHaveProperty('domain');
  });

  it('of a domain that has one text names the domain and what may tell', () => {
    const own = rolesOf(planted(4, 4))[5];
    expect(own).toMatchObject({
      role: 'unclear',
      reason: expect.stringMatching(
        /takes \d\d % of the tokens of the only text of "german".*texts of "german" may tell/
      )
    });
  });
});

it('takes 100,000 texts in bounded memory and time', () => {
  const samples = planted(4, 50);
  const evidence = new TraceEvidence();
  for (let i = 0; i < 100_000; i++) {
    const { tokens, layers, domain } = samples[i % 50];
    const from = (i * 7) % 57;
    evidence.add({
      id: String(i),
      domain: i < 50 || i % 3 > 0 ? domain : `domain ${i}`,
      // Ids of its own, so that it is new text.
      tokens: tokens.slice(from, from + 3).map(({ text }, position) => ({
        position,
        text,
        id: 3 * (i % 9000) + position + (i % 11)
      })),
      layers: layers.map(layer => ({
        ...layer,
        selected: layer.selected.slice(2 * from, 2 * from + 6)
      }))
    });
  }
  expect(evidence.texts.domains.length).toBeLessThanOrEqual(4096);
  const roles = analyze(evidence).layers[0].roles;
  expect(roles[5]).toMatchObject({ role: 'specialist', class: 'german' });
});
