import fc from 'fast-check';
import type { Token } from '../../base/protocol';
import { alignTokens } from './align-tokens';

const tokens = (ids: readonly number[], texts?: string[]): Token[] =>
  ids.map((id, position) => ({
    position,
    id,
    ...(texts ? { text: texts[position] } : {})
  }));

/** Length of a longest common subsequence, by its recursive definition. */
function commonLength(a: readonly number[], b: readonly number[]): number {
  if (a.length === 0 || b.length === 0) {
    return 0;
  }
  return a[0] === b[0]
    ? 1 + commonLength(a.slice(1), b.slice(1))
    : Math.max(commonLength(a.slice(1), b), commonLength(a, b.slice(1)));
}

describe('alignTokens', () => {
  it('pairs equal ids by position', () => {
    const {
      by,
      tokens: all,
      a,
      b
    } = alignTokens(tokens([7, 7, 8]), tokens([7, 7, 8]), 'p');
    expect(by).toBe('position');
    expect(all).toEqual([0, 1, 2].map(i => ({ a: i, b: i })));
    expect([...a]).toEqual([0, 1, 2]);
    expect([...b]).toEqual([0, 1, 2]);
  });

  it('pairs unknown tokens by position only, where they are as many', () => {
    const { by, a, b } = alignTokens(
      tokens([-1, -1, -1]),
      tokens([4, 5, 6]),
      'p'
    );
    expect([by, [...a], [...b]]).toEqual(['position', [0, 1, 2], [0, 1, 2]]);
    expect(() =>
      alignTokens(tokens([-1, -1]), tokens([-1, -1, -1]), 'p')
    ).toThrow(expect.objectContaining({ code: 'input' }));
  });

  it('pairs the tokens around an inserted word', () => {
    const { by, tokens: all } = alignTokens(
      tokens([1, 2, 3, 4]),
      tokens([1, 9, 2, 3, 4]),
      'p'
    );
    expect(by).toBe('sequence');
    expect(all).toEqual([
      { a: 0, b: 0 },
      { a: null, b: 1 },
      { a: 1, b: 2 },
      { a: 2, b: 3 },
      { a: 3, b: 4 }
    ]);
  });

  it('matches as many tokens as can be matched, each once and in order', () => {
    const ids = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 9 });
    fc.assert(
      fc.property(ids, ids, (first, second) => {
        const {
          tokens: all,
          a,
          b
        } = alignTokens(tokens(first), tokens(second), 'p');
        expect(a).toHaveLength(commonLength(first, second));
        a.forEach((i, pair) => expect(first[i]).toBe(second[b[pair]]));
        const side = (key: 'a' | 'b') =>
          all.map(token => token[key]).filter(i => i !== null);
        expect(side('a')).toEqual([...first.keys()]);
        expect(side('b')).toEqual([...second.keys()]);
      })
    );
  });

  it('pairs nothing where no token is common', () => {
    expect(alignTokens(tokens([1]), tokens([2]), 'p').a).toHaveLength(0);
    expect(alignTokens([], [], 'p').tokens).toEqual([]);
  });

  it('rejects ids with different texts', () => {
    expect(() =>
      alignTokens(tokens([1], ['a']), tokens([1], ['b']), 'prompt x')
    ).toThrow(
      'token 1 is "a" in one run and "b" in the other (prompt x): compare models with the same tokenizer'
    );
    expect(alignTokens(tokens([1], ['a']), tokens([1]), 'p').by).toBe(
      'position'
    );
  });

  it('rejects what would take too long', () => {
    const long = (offset: number) =>
      tokens(Array.from({ length: 9000 }, (_, i) => 2 * i + offset));
    expect(() => alignTokens(long(0), long(1), 'p')).toThrow(
      expect.objectContaining({ code: 'input' })
    );
    // A long prompt with a common prefix is fine.
    const whole = long(0);
    expect(alignTokens(whole, whole.slice(0, 8000), 'p').a).toHaveLength(8000);
  });
});
