/** What repeats are worth: against contexts that are written out and compared as text. */
import { samplesOf, anything } from '../../test/made-samples';
import type { RoutingSample } from '../base/protocol';
import { Novelty } from './novelty';

/** A text of ids; experts by chance of the ids. */
function textOf(ids: number[], id = 'a'): RoutingSample {
  return {
    id,
    tokens: ids.map((token, position) => ({ position, id: token })),
    layers: [
      {
        layer: 0,
        experts: 8,
        topK: 1,
        score: 'softmax',
        logitsAre: 'logits',
        logits: new Float32Array(),
        selected: Int32Array.from(ids, token => (token * 7) % 8),
        weights: new Float32Array()
      }
    ]
  };
}

const replaced = (ids: number[], at: number, id: number): number[] =>
  ids.map((own, i) => (i === at ? id : own));
const range = (count: number, from = 0): number[] =>
  Array.from({ length: count }, (_, i) => from + i);

/** Effective tokens of each text, in order. */
function effective(texts: RoutingSample[]): number[] {
  const novelty = new Novelty();
  return texts.map(text =>
    [...novelty.add(text).values()].reduce(
      (sum, own) => own.reduce((all, weight) => all + weight, sum),
      0
    )
  );
}

/** The same, by the definition: contexts as text, in a set. */
function expected(texts: number[][]): number[] {
  const seen = new Set<string>();
  return texts.map(ids => {
    const fresh = ids.map((_, t) => {
      const context = [
        ...(t < 2 ? ['start'] : []),
        ...ids.slice(Math.max(0, t - 2), t + 1)
      ];
      const key = `${t < 2 ? t : ''} ${context.join(' ')}`;
      const isNew = !seen.has(key);
      seen.add(key);
      return isNew ? 1 : 0;
    });
    return fresh.reduce<number>((sum, own, t) => {
      const last = fresh.slice(Math.max(0, t - 15), t + 1);
      return (
        sum + own * (last.reduce<number>((a, b) => a + b, 0) / last.length)
      );
    }, 0);
  });
}

describe('the effective number of tokens', () => {
  const template = (word: number): number[] => [
    ...range(30, 100),
    word,
    ...range(9, 200)
  ];
  it.each<[string, number[][]]>([
    ['varied text', [range(100), range(80, 500)]],
    ['one phrase again and again', [Array(48).fill(range(8)).flat()]],
    ['the same prompt many times', Array(20).fill(range(60))],
    ['near duplicates', range(20).map(i => replaced(range(60), 30, 1000 + i))],
    ['a template', range(20).map(i => template(2000 + i))],
    [
      'a shared beginning',
      range(10).map(i => [...range(50), ...range(50, 1000 * (i + 1))])
    ],
    [
      'a loop that a model falls into',
      [[...range(40), ...Array(60).fill([7, 8, 9]).flat()]]
    ]
  ])('of %s is that of its new contexts', (_, texts) => {
    const found = effective(texts.map(ids => textOf(ids)));
    expect(found).toHaveLength(texts.length);
    expected(texts).forEach((tokens, i) =>
      expect(found[i]).toBeCloseTo(tokens, 4)
    );
  });

  it('is that of the first text, and little more for each repeat', () => {
    const [first, ...rest] = effective(
      range(20).map(i => textOf(replaced(range(60), 30, 1000 + i)))
    );
    expect(first).toBe(60);
    expect(rest).toHaveLength(19);
    expect(Math.max(...rest)).toBeLessThan(1);
    expect(
      effective([textOf(Array(48).fill(range(8)).flat())])[0]
    ).toBeLessThan(11);
  });

  it('counts a decoder token again where the encoder was given another text', () => {
    const both = (ids: number[]): RoutingSample => {
      const decoder = textOf([0, 1]);
      const encoder = textOf(ids);
      return {
        ...decoder,
        encoderTokens: encoder.tokens,
        layers: [
          { ...encoder.layers[0], stack: 'encoder' },
          { ...decoder.layers[0], stack: 'decoder' }
        ]
      };
    };
    expect(
      effective([both(range(5)), both(range(5, 10)), both(range(5))])
    ).toEqual([7, 7, 0]);
  });

  it('compares unknown tokens by their text, or whole samples by their routing', () => {
    const named = textOf(range(40));
    const texts = {
      ...named,
      tokens: named.tokens.map(({ position, id }) => ({
        position,
        id: -1,
        text: `word ${id}`
      }))
    };
    expect(effective([texts, texts])).toEqual([40, 0]);
    const [a, b] = samplesOf(anything, { samples: 2 }).map(sample => ({
      ...sample,
      tokens: sample.tokens.map(token => ({ ...token, id: -1 }))
    }));
    expect(effective([a, b, a])).toEqual([50, 50, 0]);
    // A collapsed router routes all alike, which does not make texts the same.
    const collapsed = textOf(Array<number>(30).fill(4));
    collapsed.tokens.forEach(token => (token.id = -1));
    expect(effective([collapsed, collapsed])).toEqual([30, 30]);
  });
});
