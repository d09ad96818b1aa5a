import { FakeSource, OUTLINE, TRACE, page } from '../../testing/fake-source';
import { csvOf, listedTokens, markdownOf } from './save';

const list = {
  filter: 'x',
  order: { order: 'position' as const, layerIndex: 0, isDescending: false }
};

describe('the listed tokens', () => {
  it('are read page by page, with their choices', async () => {
    const source = new FakeSource();
    source.show({ trace: TRACE, outline: OUTLINE });
    // Pages of five, as of a kernel that sends fewer than are asked for.
    source.answer = question =>
      Promise.resolve(
        page({ ...question, count: Math.min(5, question.count) })
      );
    const { columns, rows } = await listedTokens(source, list);
    expect(source.asked.map(({ from, filter }) => [from, filter])).toEqual([
      [0, 'x'],
      [5, 'x'],
      [10, 'x']
    ]);
    expect(columns).toEqual([
      'index',
      'sample',
      'domain',
      'position',
      'id',
      'text',
      'layer 0 experts',
      'layer 0 weights',
      'layer 0 margin',
      'layer 2 experts',
      'layer 2 weights',
      'layer 2 margin'
    ]);
    expect(rows).toHaveLength(12);
    expect(rows[3].slice(3, 9)).toEqual([
      '3',
      '103',
      't3',
      '0 1',
      '0.75 0.25',
      '0.0500000007'
    ]);
    expect(rows[8][1]).toBe(OUTLINE.samples[1].id);
    expect((await listedTokens(source, list, 7)).rows).toHaveLength(7);
  });
});

const TABLE = {
  columns: ['text', 'n'],
  rows: [
    ['a,"b"\nc', '1'],
    ['|<b>*', '2']
  ]
};

it('are quoted in CSV', () => {
  expect(csvOf(TABLE)).toBe('text,n\r\n"a,""b""\nc",1\r\n|<b>*,2\r\n');
});

it('are escaped in Markdown', () => {
  expect(markdownOf(TABLE)).toBe(
    '| text | n |\n| --- | --- |\n| a,"b"↵c | 1 |\n| \\|\\<b\\>\\* | 2 |\n'
  );
});
