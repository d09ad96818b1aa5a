/** Repeats are no further evidence: what is dead, cold or uneven in one text is not so for sure in 50 copies of it. */
import { samplesOf, type Rule } from '../../../test/made-samples';
import type { RoutingSample } from '../../base/protocol';
import { diagnose } from './diagnose';
import type { Diagnosis } from './diagnosis';

/** Expert 5 is taken by nothing, expert 1 by most. */
const uneven: Rule = ({ id, position }) => {
  const first =
    (id + position) % 3 === 0 ? [0, 2, 3, 4, 6, 7][(id + position) % 6] : 1;
  const second = [2, 3, 4, 6, 7][(2 * id + position) % 5];
  return [first, second === first ? 0 : second];
};

const alarms = ({ findings }: Diagnosis): string[] =>
  findings
    .filter(({ severity }) => severity !== 'info')
    .map(({ kind }) => kind);

const copies = (
  sample: RoutingSample,
  count: number,
  change: (tokens: RoutingSample['tokens'], copy: number) => void = () => {}
): RoutingSample[] =>
  Array.from({ length: count }, (_, copy) => {
    const tokens = sample.tokens.map(token => ({ ...token }));
    change(tokens, copy);
    return { ...sample, id: `${copy}`, tokens };
  });

/** One long sample of the same tokens and routing, again and again. */
function loop(sample: RoutingSample, times: number): RoutingSample {
  const again = <T extends Int32Array | Float32Array>(values: T): T => {
    const all = new (values.constructor as new (length: number) => T)(
      times * values.length
    );
    for (let i = 0; i < times; i++) {
      all.set(values, i * values.length);
    }
    return all;
  };
  return {
    ...sample,
    tokens: Array.from({ length: times }, () => sample.tokens)
      .flat()
      .map((token, position) => ({ ...token, position })),
    layers: sample.layers.map(layer => ({
      ...layer,
      logits: again(layer.logits),
      selected: again(layer.selected),
      weights: again(layer.weights)
    }))
  };
}

const [one] = samplesOf(uneven, { samples: 1, length: 30 });

describe('of a router that leaves an expert out', () => {
  it('varied text decides', () => {
    const varied = diagnose({ samples: samplesOf(uneven, { samples: 40 }) });
    expect(alarms(varied)).toEqual(
      expect.arrayContaining(['dead-expert', 'load-imbalance'])
    );
  });

  it.each<[string, () => RoutingSample[]]>([
    ['a phrase 50 times in one text', () => [loop(one, 50)]],
    ['the same prompt 50 times', () => copies(one, 50)],
    [
      'near duplicates',
      () => copies(one, 50, (tokens, copy) => (tokens[15].id = 1000 + copy))
    ],
    [
      'a template with two words of its own',
      () =>
        copies(one, 20, (tokens, copy) => {
          tokens[5].id = 1000 + copy;
          tokens[25].id = 2000 + copy;
        })
    ]
  ])('%s cannot tell yet', (_, samples) => {
    const diagnosis = diagnose({ samples: samples() });
    expect(diagnosis.tokens).toBeGreaterThanOrEqual(600);
    expect(alarms(diagnosis)).toEqual([]);
    const dead = diagnosis.undecided.find(
      ({ kind }) => kind === 'dead-expert'
    )!;
    expect(dead.experts).toContain(5);
    expect(dead.reason).toMatch(
      /^cannot tell yet: \d+ of \d+ tokens are new text, about 300 are needed$/
    );
    expect(
      diagnosis.checks.find(({ kind }) => kind === 'dead-expert')
    ).toMatchObject({ looked: true, count: 0, undecided: 1 });
  });
});

it('agrees with the exact binomial bound of no success in as many tokens as are new', () => {
  // 0.05 = (1 - p)^n, whose solution the rule of three bounds from above.
  const varied = diagnose({ samples: samplesOf(uneven, { samples: 40 }) });
  const dead = varied.findings.find(({ kind }) => kind === 'dead-expert')!;
  const { upperBound, effectiveTokens } = dead.evidence as Record<
    string,
    number
  >;
  const exact = 1 - 0.05 ** (1 / effectiveTokens);
  expect(upperBound).toBeGreaterThan(exact);
  expect(upperBound).toBeLessThan(1.01 * exact);
  expect(effectiveTokens).toBeLessThan(varied.tokens);
});

it('does not take copies of two texts for texts of two domains', () => {
  const [a] = samplesOf(() => [1, 2], { samples: 1 });
  const [b] = samplesOf(() => [6, 7], { samples: 1 });
  const other = {
    ...b,
    tokens: b.tokens.map(token => ({ ...token, id: token.id + 100 }))
  };
  const found = diagnose({
    samples: [
      ...copies({ ...a, domain: 'a' }, 20),
      ...copies({ ...other, domain: 'b' }, 20)
    ]
  });
  expect(
    found.findings.filter(({ kind }) => kind === 'specialist-expert')
  ).toEqual([]);
});
