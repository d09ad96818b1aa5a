import type {
  RoutingLayer,
  RoutingSample,
  TokenQuestion
} from '../../base/protocol';
import { NOT_ROUTED } from '../../base/protocol';
import { TokenList } from './token-list';

const ALL: TokenQuestion = {
  filter: '',
  order: 'position',
  layerIndex: 0,
  isDescending: false,
  from: 0,
  count: 100
};

function layer(
  index: number,
  selected: number[],
  weights: number[],
  logits: number[] = [],
  more: Partial<RoutingLayer> = {}
): RoutingLayer {
  return {
    layer: index,
    experts: 4,
    topK: 2,
    score: 'softmax',
    logitsAre: 'logits',
    selected: Int32Array.from(selected),
    weights: Float32Array.from(weights),
    logits: Float32Array.from(logits),
    ...more
  };
}

const tokens = (texts: string[]) =>
  texts.map((text, position) => ({ position, id: 10 + position, text }));

/** Two texts: "·c" + "ache" + "!" and "Der" + "·Hund". */
const SAMPLES: RoutingSample[] = [
  {
    id: 'code',
    domain: 'python',
    tokens: tokens([' c', 'ache', '!']),
    layers: [
      layer(
        0,
        [0, 1, 1, 2, 3, 0],
        [0.9, 0.1, 0.6, 0.4, 0.5, 0.5],
        // Margins, k-th minus next: 1 - 0.95 = 0.05; 2 - 0 = 2; 1 - 0.5 = 0.5.
        [3, 1, 0.95, 0, 0, 3, 2, 0, 1, 0, 0.5, 2]
      ),
      layer(
        1,
        [2, 3, 2, 3, 2, 0],
        [0.7, 0.3, 0.7, 0.3, 0.8, 0.2],
        [0, 0, 2, 1, 0, 0, 2, 1, 1, 0, 2, 0.5]
      )
    ]
  },
  {
    id: 'text',
    domain: 'german',
    tokens: tokens(['Der', ' Hund']),
    layers: [
      layer(0, [2, 1, -1, 1], [0.8, 0.2, 0, 1], [0, 1, 2, 0, 0, 1, 2, 0]),
      layer(1, [0, 1, 3, 2], [0.6, 0.4, 0.9, 0.1], [2, 1, 0, 0, 0, 0, 1, 2])
    ]
  }
];

const list = new TokenList({ samples: SAMPLES, cards: [], edits: [] });
const found = (filter: string): number[] =>
  list.page({ ...ALL, filter }).rows.map(({ index }) => index);

describe('TokenList', () => {
  it('lists all tokens of all samples, with their routing', () => {
    const page = list.page(ALL);
    expect([page.total, page.matches, page.problems]).toEqual([5, 5, []]);
    expect(page.rows).toEqual([
      { position: 0, id: 10, text: ' c', sample: 0, index: 0 },
      { position: 1, id: 11, text: 'ache', sample: 0, index: 1 },
      { position: 2, id: 12, text: '!', sample: 0, index: 2 },
      { position: 0, id: 10, text: 'Der', sample: 1, index: 3 },
      { position: 1, id: 11, text: ' Hund', sample: 1, index: 4 }
    ]);
    const [first] = page.layers;
    expect([...first.selected]).toEqual([0, 1, 1, 2, 3, 0, 2, 1, -1, 1]);
    expect(Array.from(first.weights, w => Number(w.toFixed(4)))).toEqual([
      0.9, 0.1, 0.6, 0.4, 0.5, 0.5, 0.8, 0.2, 0, 1
    ]);
  });

  it('tells how close each choice was, and what comes next', () => {
    const [first] = list.page(ALL).layers;
    expect(
      Array.from(first.margins, m => Number(m.toFixed(4))).slice(0, 3)
    ).toEqual([0.05, 2, 0.5]);
    expect([...first.next].slice(0, 3)).toEqual([2, 0, 2]);
    // The logits do not explain why the last token has one expert only: its margin is unknown.
    expect(first.margins[4]).toBeNaN();
    expect(first.next[4]).toBe(-1);
    expect(first.nearMiss).toBe(0.1);
  });

  it.each([
    ['expert:2', [0, 1, 2, 3, 4]],
    ['expert:0:2', [1, 3]],
    ['expert:2 layer:0', [1, 3]],
    ['expert:1 expert:2 layer:0', [1, 3]],
    ['expert:1,3 layer:0', [0, 1, 2, 3, 4]],
    ['-expert:2', []],
    ['-expert:0:2', [0, 2, 4]],
    ['-expert:2 layer:0', [0, 2, 4]],
    ['expert:0:2 expert:1:2', [1]],
    ['expert:2 rank:1', [0, 1, 2, 3]],
    ['expert:0:2 rank:1', [3]],
    ['expert:2 weight>0.65', [0, 1, 2, 3]],
    ['expert:0:1 weight<0.5', [0, 3]],
    ['weight>0.85', [0, 4]],
    ['layer:1 weight>0.85', [4]],
    ['margin<0.1', [0]],
    ['-margin<0.1', [1, 2, 3, 4]],
    ['margin<0.1 expert:0', [0]],
    ['margin<0.1 expert:2', []],
    ['layer:7', []],
    ['-layer:7', [0, 1, 2, 3, 4]],
    ['domain:german', [3, 4]],
    ['-domain:german', [0, 1, 2]],
    ['domain:german,python pos:0', [0, 3]],
    ['sample:code pos>0', [1, 2]],
    ['text:cache', [0, 1]],
    ['text:CACHE!', [0, 1, 2]],
    ['"r h"', [3, 4]],
    ['token:Hund', [4]],
    ['token:" Hund"', [4]],
    ['token:hund', []],
    ['id:10', [0, 3]],
    ['id:11..12 domain:python', [1, 2]]
  ])('%s', (filter, rows) => {
    expect(found(filter)).toEqual(rows);
  });

  it.each<[Partial<TokenQuestion>, number[]]>([
    [{ isDescending: true }, [4, 3, 2, 1, 0]],
    [{ order: 'text' }, [4, 0, 2, 3, 1]],
    [{ order: 'sample', isDescending: true }, [3, 4, 0, 1, 2]],
    // By the first choice, and the largest weight first: 0 (0.9), 1 (1.0), 1 (0.6), 2 (0.8), 3 (0.5).
    [{ order: 'expert' }, [0, 4, 1, 3, 2]],
    // 0.05, 0.5, 2, and for the fourth 1 - 0 = 1; the fifth is unknown, and comes last.
    [{ order: 'margin' }, [0, 2, 3, 1, 4]],
    [{ order: 'margin', isDescending: true }, [1, 3, 2, 0, 4]]
  ])('sorts by %p', (order, rows) => {
    expect(
      list.page({ ...ALL, ...order }).rows.map(({ index }) => index)
    ).toEqual(rows);
  });

  it('returns a part of the list', () => {
    const page = list.page({ ...ALL, filter: '-pos:2', from: 1, count: 2 });
    expect([page.matches, page.from]).toEqual([4, 1]);
    expect(page.rows.map(({ index }) => index)).toEqual([1, 3]);
    expect([...page.layers[0].selected]).toEqual([1, 2, 2, 1]);
    expect(list.page({ ...ALL, from: 99 }).rows).toEqual([]);
  });

  it('does not look for what was not recorded, and says so', () => {
    const bare = new TokenList({
      samples: [
        {
          id: 'x',
          tokens: [
            { position: 0, id: -1 },
            { position: 1, id: -1 }
          ],
          layers: [layer(0, [0, 1, 2, 3], [])]
        }
      ],
      cards: [],
      edits: []
    });
    const page = bare.page({
      ...ALL,
      filter: 'domain:a text:b token:c id:1 weight>0 margin<1 expert:2 oops'
    });
    expect(page.rows.map(({ index }) => index)).toEqual([1]);
    expect(page.problems.map(({ message }) => message)).toEqual([
      'write text:oops to search the text, or name:value',
      'no sample of this trace has a domain',
      'this trace has no texts of tokens',
      'this trace has no texts of tokens',
      'this trace has no token ids',
      'this trace has no weights',
      'this trace has no router logits'
    ]);
    expect(page.layers[0].weights).toHaveLength(0);
    expect(page.layers[0].margins).toHaveLength(0);
  });

  it('lists the tokens of both stacks, each with the layers that route it', () => {
    const both = new TokenList({
      samples: [
        {
          id: 'x',
          tokens: tokens(['d']),
          encoderTokens: tokens(['a', 'b']),
          layers: [
            layer(0, [0, 1, 2, 3], [0.5, 0.5, 0.5, 0.5], [], {
              stack: 'encoder'
            }),
            layer(0, [3, 2], [0.5, 0.5], [], { stack: 'decoder' })
          ]
        }
      ],
      cards: [],
      edits: []
    });
    const page = both.page(ALL);
    expect(page.rows.map(({ stack, text }) => [stack, text])).toEqual([
      ['encoder', 'a'],
      ['encoder', 'b'],
      ['decoder', 'd']
    ]);
    const none = NOT_ROUTED;
    expect([...page.layers[0].selected]).toEqual([0, 1, 2, 3, none, none]);
    expect([...page.layers[1].selected]).toEqual([
      none,
      none,
      none,
      none,
      3,
      2
    ]);
    expect(
      ['expert:3', 'expert:encoder:0:3', 'layer:decoder:0'].map(filter =>
        both.page({ ...ALL, filter }).rows.map(({ index }) => index)
      )
    ).toEqual([[1, 2], [1], [2]]);
  });
});

describe('the bytes of a character', () => {
  const parts: RoutingSample = {
    id: 'parts',
    tokens: tokens(['a', '<0xE4>', '<0xBD>', '<0xA0>', 'b']),
    layers: [
      layer(0, new Array<number>(10).fill(0), new Array<number>(10).fill(0.5))
    ]
  };
  const own = new TokenList({ samples: [parts], cards: [], edits: [] });

  it('are told with what they spell', () => {
    expect(own.page(ALL).rows.map(({ character }) => character)).toEqual([
      undefined,
      { text: '你', part: 0, parts: 3 },
      { text: '你', part: 1, parts: 3 },
      { text: '你', part: 2, parts: 3 },
      undefined
    ]);
  });

  it('are found by the character', () => {
    const rows = (filter: string) =>
      own.page({ ...ALL, filter }).rows.map(({ index }) => index);
    expect(rows('text:"你"')).toEqual([1, 2, 3]);
    expect(rows('text:"a你"')).toEqual([0, 1, 2, 3]);
    expect(rows('text:"b"')).toEqual([4]);
  });
});
