import { characterRuns } from 'moe-debugger/charts';
import { lineStarts, placeLabels, tokenLabels, wordLabels } from './labels';
import { TokenTextIndex } from './search';

const texts = [
  'def',
  ' f',
  'oo',
  '\n',
  '  ',
  'return',
  ' ',
  '<0xE4>',
  '<0xBD>',
  '<0xA0>',
  '\n'
];
const tokens = texts.map((text, position) => ({ position, id: 7, text }));
const characters = characterRuns(tokens);
const whole = { from: 0, to: tokens.length };

describe('labels of tokens', () => {
  it('name each token, and the bytes of a character once', () => {
    const labels = tokenLabels(tokens, characters, whole);
    expect(labels.map(({ text }) => text)).toEqual([
      'def',
      '·f',
      'oo',
      '↵',
      '··',
      'return',
      '·',
      '你',
      '↵'
    ]);
    expect(labels[7]).toEqual({
      from: 7,
      to: 10,
      text: '你',
      isCharacter: true
    });
  });

  it('name a character of which a part is in view', () => {
    const labels = tokenLabels(tokens, characters, { from: 8.5, to: 11 });
    expect(labels.map(({ text, from }) => [text, from])).toEqual([
      ['你', 7],
      ['↵', 10]
    ]);
  });

  it('join the tokens of a word', () => {
    const words = wordLabels(tokenLabels(tokens, characters, whole));
    expect(words.map(({ text, from, to }) => [text, from, to])).toEqual([
      ['def', 0, 1],
      ['foo', 1, 3],
      ['↵', 3, 4],
      ['return', 4, 6],
      ['你', 6, 10],
      ['↵', 10, 11]
    ]);
  });

  it('name the lines by their first words', () => {
    expect(
      lineStarts(tokens, characters).map(({ text, from }) => [text, from])
    ).toEqual([
      ['def foo', 0],
      ['return 你', 5]
    ]);
  });

  it('never touch each other', () => {
    const label = (text: string, from: number) => ({
      text,
      from,
      to: from + 1,
      isCharacter: false
    });
    const placed = placeLabels(
      [label('aaaa', 0), label('b', 3), label('c', 6), label('dddd', 9)],
      token => token * 5,
      text => text.length * 5,
      { end: 50, gap: 5 }
    );
    // The second begins before the first has ended, and the last would stand out.
    expect(placed.map(({ text, x }) => [text, x])).toEqual([
      ['aaaa', 0],
      ['c', 30]
    ]);
  });
});

describe('TokenTextIndex', () => {
  const index = new TokenTextIndex(tokens, characters);

  it('finds text across tokens, whatever its case', () => {
    expect(index.find('F FO')).toEqual([{ from: 0, to: 3 }]);
    expect(index.find('foo')).toEqual([{ from: 1, to: 3 }]);
    expect(index.find('o')).toEqual([
      { from: 2, to: 3 },
      { from: 2, to: 3 }
    ]);
  });

  it('finds a character of several tokens', () => {
    expect(index.find('你')).toEqual([{ from: 7, to: 10 }]);
    expect(index.find('return 你')).toEqual([{ from: 5, to: 10 }]);
  });

  it('finds nothing for nothing, and for what is not there', () => {
    expect(index.find('')).toEqual([]);
    expect(index.find('fob')).toEqual([]);
  });
});
