import { FILTER_NAMES, isInRange, parseFilter, quoted } from './filter';

const bare = (filter: string): unknown[] =>
  parseFilter(filter).terms.map(
    ({ at: _at, length: _length, ...term }) => term
  );
const said = (filter: string): string[] =>
  parseFilter(filter).problems.map(({ message }) => message);

describe('parseFilter', () => {
  it.each([
    ['', []],
    ['   ', []],
    [
      'expert:5',
      [{ name: 'expert', isNegated: false, experts: [{ expert: 5 }] }]
    ],
    [
      'expert:2:5,encoder:1:0',
      [
        {
          name: 'expert',
          isNegated: false,
          experts: [
            { expert: 5, place: { layer: 2 } },
            { expert: 0, place: { layer: 1, stack: 'encoder' } }
          ]
        }
      ]
    ],
    [
      '-layer:2..4',
      [
        {
          name: 'layer',
          isNegated: true,
          layers: [{ low: 2, high: 4, isOpen: false }]
        }
      ]
    ],
    [
      'layer:0:attention',
      [
        {
          name: 'layer',
          isNegated: false,
          layers: [{ layer: 0, module: 'attention' }]
        }
      ]
    ],
    [
      'margin<0.1',
      [
        {
          name: 'margin',
          isNegated: false,
          ranges: [{ low: -Infinity, high: 0.1, isOpen: true }]
        }
      ]
    ],
    [
      'weight>1e-3',
      [
        {
          name: 'weight',
          isNegated: false,
          ranges: [{ low: 0.001, high: Infinity, isOpen: true }]
        }
      ]
    ],
    [
      'Domain:german,french',
      [{ name: 'domain', isNegated: false, texts: ['german', 'french'] }]
    ],
    ['"der Hund"', [{ name: 'text', isNegated: false, texts: ['der Hund'] }]],
    ['-"x"', [{ name: 'text', isNegated: true, texts: ['x'] }]],
    [
      String.raw`sample:"a \"b\", c",d`,
      [{ name: 'sample', isNegated: false, texts: ['a "b", c', 'd'] }]
    ],
    ['token:"', [{ name: 'token', isNegated: false, texts: [''] }]]
  ])('reads %p', (filter, terms) => {
    expect(bare(filter)).toEqual(terms);
    expect(said(filter)).toEqual([]);
  });

  it.each([
    ['der', 'write text:der to search the text, or name:value'],
    ['exprt:3', 'unknown name "exprt": did you mean expert?'],
    ['doma:x', 'unknown name "doma": did you mean domain?'],
    ['xyz:1', `unknown name "xyz": use ${FILTER_NAMES.join(', ')}`],
    [
      'constructor:1',
      `unknown name "constructor": use ${FILTER_NAMES.join(', ')}`
    ],
    ['expert:', 'expert needs a value'],
    ['expert:x', 'expert takes a number, or layer:expert such as 2:5'],
    ['expert<3', 'expert takes no <: write expert:value'],
    ['margin<1..2', 'margin takes a number or a range such as 0..2'],
    ['margin:low', 'margin takes a number or a range such as 0..2'],
    [
      'layer:first',
      'layer takes a number, a range such as 2..4, or a place such as encoder:1'
    ]
  ])('says what is wrong with %p', (filter, message) => {
    expect(bare(filter)).toEqual([]);
    expect(said(filter)).toEqual([message]);
  });

  it('says where each term and each problem is', () => {
    const filter = 'expert:5  bad "a b" pos>3';
    const { terms, problems } = parseFilter(filter);
    expect(
      [...terms, ...problems].map(({ at, length }) =>
        filter.slice(at, at + length)
      )
    ).toEqual(['expert:5', '"a b"', 'pos>3', 'bad']);
  });

  it('reads long and hostile filters in a moment', () => {
    const start = performance.now();
    expect(parseFilter('"'.repeat(50_000)).terms.length).toBeGreaterThan(0);
    expect(parseFilter('a:'.repeat(50_000)).problems).toHaveLength(1);
    expect(parseFilter('\\"'.repeat(50_000)).terms.length).toBeLessThan(2);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

it('quotes what has spaces, commas or quotes, and reads it back', () => {
  expect(
    ['german', 'a b', 'a,b', 'say "x"', 'back\\slash "'].map(quoted)
  ).toEqual([
    'german',
    '"a b"',
    '"a,b"',
    '"say \\"x\\""',
    '"back\\\\slash \\""'
  ]);
  for (const text of ['a b', 'a,b', 'say "x"', 'back\\slash "', '-x', '>']) {
    expect(bare(`sample:${quoted(text)}`)).toEqual([
      { name: 'sample', isNegated: false, texts: [text] }
    ]);
  }
});

it('includes the ends of ranges, and not those of comparisons', () => {
  expect(
    [1, 2, 3].map(value => isInRange(value, { low: 1, high: 2, isOpen: false }))
  ).toEqual([true, true, false]);
  expect(
    [1, 2, 3].map(value => isInRange(value, { low: 1, high: 3, isOpen: true }))
  ).toEqual([false, true, false]);
  expect(isInRange(NaN, { low: 0, high: 1, isOpen: false })).toBe(false);
});
