/** Specialists of a domain: found from few texts where the effect is large, and not by chance. */
import { samplesOf, type Rule } from '../../../test/made-samples';
import { drawn, randomNumbers } from '../../base/statistics/random';
import type { RoutingSample } from '../../base/protocol';
import { diagnose } from './diagnose';
import type { Diagnosis } from './diagnosis';

const DOMAINS = ['a', 'b', 'c', 'd'];

/** Texts whose experts differ from text to text, as those of real ones do; `rule` may choose some. */
function texts(
  count: number,
  seed: number,
  rule: (domain: string, random: () => number) => number[] = () => []
): RoutingSample[] {
  const random = randomNumbers(seed);
  const own = samplesOf(() => [], {
    samples: count,
    length: 40,
    domains: DOMAINS
  });
  return own.map((sample, i) => {
    // A taste of two experts that the text takes more often than others.
    const taste = [0, 1].map(() => Math.floor(random() * 8));
    const choose: Rule = ({ domain }) => [
      ...rule(domain, random),
      ...(random() < 0.3 ? taste : [])
    ];
    const [drawnAgain] = samplesOf(choose, {
      samples: 1,
      length: 40,
      domains: [sample.domain!]
    });
    return {
      ...sample,
      id: String(i),
      layers: drawnAgain.layers.map(layer => ({
        ...layer,
        selected: reselected(choose, sample, random)
      }))
    };
  });
}

/** Two of eight experts a token: those of the rule, filled up at random. */
function reselected(
  rule: Rule,
  { tokens, domain }: RoutingSample,
  random: () => number
): Int32Array {
  return Int32Array.from(
    tokens.flatMap(({ id, position }) => {
      const chosen = new Set(rule({ id, position, domain: domain! }));
      while (chosen.size < 2) {
        chosen.add(Math.floor(random() * 8));
      }
      return [...chosen].slice(0, 2);
    })
  );
}

const ofDomains = ({ findings }: Diagnosis) =>
  findings.filter(
    ({ kind, evidence }) =>
      kind === 'specialist-expert' && evidence.category === 'domain'
  );

/** Expert 6 takes most tokens of domain b. */
const planted = (domain: string, random: () => number): number[] =>
  domain === 'b' && random() < 0.9 ? [6] : [];

/** One text of each domain: expert 6 takes a share of that of b, and few tokens of the others. */
function alone(share: number): RoutingSample[] {
  return texts(4, 5, (domain, random) =>
    domain === 'b' && random() < share ? [6] : []
  ).map(sample =>
    sample.domain === 'b'
      ? sample
      : {
          ...sample,
          layers: sample.layers.map(layer => ({
            ...layer,
            selected: layer.selected.map((expert, slot) => {
              const other = layer.selected[slot ^ 1] === 7 ? 0 : 7;
              return expert === 6 && slot % 5 > 0 ? other : expert;
            })
          }))
        }
  );
}

describe('a specialist of a domain', () => {
  it('is found from four texts of four domains, with its certainty', () => {
    const found = ofDomains(diagnose({ samples: texts(16, 3, planted) }));
    expect(found).toMatchObject([
      {
        severity: 'info',
        experts: [6],
        metric: 'classTokenRate',
        evidence: { class: 'b', texts: 4, units: 'texts', shownBy: 'texts' }
      }
    ]);
    const { value, evidence } = found[0];
    const [low, high] = evidence.classTokenRateInterval as number[];
    expect(low).toBeLessThan(value!);
    expect(high).toBeGreaterThan(value!);
    expect(low).toBeGreaterThan(0.6);
    expect(evidence.correctedP).toBeLessThan(0.05);
  });

  it('is found in nearly all of 40 traces of 16 texts', () => {
    const hits = Array.from({ length: 40 }, (_, seed) =>
      ofDomains(diagnose({ samples: texts(16, 100 + seed, planted) }))
    ).filter(found =>
      found.some(
        ({ experts, evidence }) => experts[0] === 6 && evidence.class === 'b'
      )
    );
    expect(hits.length).toBeGreaterThanOrEqual(38);
  });

  it('is found by chance in at most 5 % of 200 shuffles of the domains', () => {
    const samples = texts(16, 3, planted);
    const random = randomNumbers(9);
    const alarms = Array.from({ length: 200 }, () => {
      const shuffled = drawn(samples, samples.length, random);
      return ofDomains(
        diagnose({
          samples: samples.map((sample, i) => ({
            ...sample,
            domain: shuffled[i].domain
          }))
        })
      );
    }).filter(found => found.length > 0);
    expect(alarms.length).toBeLessThanOrEqual(10);
  });

  it('of which there is one text says so, and takes an effect beyond all others', () => {
    const diagnosis = diagnose({ samples: alone(1) });
    const [found, ...more] = ofDomains(diagnosis);
    expect(more).toEqual([]);
    expect(found).toMatchObject({
      experts: [6],
      value: 1,
      evidence: { class: 'b', texts: 1, shownBy: 'one text' },
      message: expect.stringMatching(
        /of the only text of "b".*whether the domain or only this text, \d texts/
      )
    });
    expect(found.evidence).not.toHaveProperty('correctedP');
    expect(
      diagnosis.checks.find(({ kind }) => kind === 'specialist-expert')!
        .certainty
    ).toMatch(/4 domains of at least 1 text$/);
  });

  it('of which there is one text is undecided where it takes most of it, not nearly all', () => {
    const { findings, undecided } = diagnose({ samples: alone(0.7) });
    expect(findings).toEqual([]);
    expect(undecided).toContainEqual(
      expect.objectContaining({
        kind: 'specialist-expert',
        experts: [6],
        reason: expect.stringMatching(/the only text of "b"/)
      })
    );
  });

  it('that these texts do not show is undecided, with the texts that may', () => {
    const sometimes = (domain: string, random: () => number): number[] =>
      domain === 'b' && random() < 0.6 ? [6] : [];
    const { findings, undecided } = diagnose({
      samples: texts(8, 4, sometimes)
    });
    expect(findings.filter(({ kind }) => kind === 'specialist-expert')).toEqual(
      []
    );
    const own = undecided.find(
      ({ kind, experts }) => kind === 'specialist-expert' && experts[0] === 6
    );
    expect(own?.reason).toMatch(
      /^cannot tell yet: expert 6 takes \d\d % of the tokens of 2 texts of "b", and .* texts of "b" may tell$/
    );
  });

  it.each<[string, string | undefined, RegExp]>([
    ['texts without a domain', undefined, /the texts have no domain/],
    ['one domain', 'a', /all texts are of one domain/]
  ])('is not looked for in %s', (_, domain, why) => {
    const samples = texts(12, 4, planted).map(({ domain: __, ...sample }) => ({
      ...sample,
      ...(domain === undefined ? {} : { domain })
    }));
    const diagnosis = diagnose({ samples });
    expect(ofDomains(diagnosis)).toEqual([]);
    expect(
      diagnosis.checks.find(({ kind }) => kind === 'specialist-expert')!.why
    ).toMatch(why);
  });
});
