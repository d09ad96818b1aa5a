import { History } from './history';

describe('History', () => {
  const history = new History();
  ['one', 'two', 'three', 'two'].forEach((input, i) =>
    history.add(i + 1, input)
  );
  const inputs = (request: Record<string, unknown>): string[] =>
    history.query(request).map(([, , input]) => input);

  it('returns the last cells', () => {
    expect(inputs({ hist_access_type: 'tail', n: 2 })).toEqual([
      'three',
      'two'
    ]);
    expect(inputs({ hist_access_type: 'tail' })).toHaveLength(4);
  });

  it('returns a range', () => {
    expect(inputs({ hist_access_type: 'range', start: 2, stop: 4 })).toEqual([
      'two',
      'three'
    ]);
  });

  it('searches with wildcards', () => {
    expect(inputs({ hist_access_type: 'search', pattern: 't*' })).toEqual([
      'two',
      'three',
      'two'
    ]);
    expect(
      inputs({ hist_access_type: 'search', pattern: '?wo', unique: true })
    ).toEqual(['two']);
    expect(inputs({ hist_access_type: 'search', pattern: 't' })).toEqual([]);
  });

  it('is not slowed down by a hostile pattern', () => {
    const long = new History();
    long.add(1, 'a'.repeat(5000));
    expect(
      long.query({
        hist_access_type: 'search',
        pattern: `${'*a'.repeat(500)}b`
      })
    ).toEqual([]);
  });
});
