import { NO_TOKEN_ID, type Token } from '../protocol';
import { characterRuns } from '.';

/** Tokens of UTF-8 bytes, as byte-level tokenizers show them. */
function tokens(...texts: (string | undefined)[]): Token[] {
  return texts.map((text, position) => ({ position, id: NO_TOKEN_ID, text }));
}

/** The bytes of a text, each a token. */
function bytes(text: string): string[] {
  return [...Buffer.from(text)].map(
    byte => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`
  );
}

describe('characterRuns', () => {
  it('joins the bytes of characters of two, three and four bytes', () => {
    expect(
      characterRuns(
        tokens('a', ...bytes('é'), ' ', ...bytes('你'), ...bytes('😀'))
      )
    ).toEqual([
      { from: 1, to: 3, text: 'é' },
      { from: 4, to: 7, text: '你' },
      { from: 7, to: 11, text: '😀' }
    ]);
  });

  it('joins tokens of several bytes, with the text before them', () => {
    expect(characterRuns(tokens(' <0xE4><0xBD>', '<0xA0>!'))).toEqual([
      { from: 0, to: 2, text: ' 你!' }
    ]);
    // One token ends a character and begins the next.
    expect(
      characterRuns(tokens('<0xE4><0xBD>', '<0xA0><0xE5>', '<0xA5><0xBD>', 'x'))
    ).toEqual([{ from: 0, to: 3, text: '你好' }]);
  });

  it('joins nothing that is no UTF-8', () => {
    for (const broken of [
      ['<0xE4>', '<0xBD>', 'a'],
      ['<0xE4>', '<0xBD>'],
      ['<0xBD>', '<0xA0>'],
      ['<0xC0>', '<0x80>'],
      // A surrogate half, which UTF-8 does not have.
      ['<0xED>', '<0xA0>', '<0x80>'],
      ['<0xE4>', undefined, '<0xBD>', '<0xA0>']
    ]) {
      expect(characterRuns(tokens(...broken))).toEqual([]);
    }
  });

  it('finds a character after a broken one', () => {
    expect(characterRuns(tokens('<0xE4>', ...bytes('é')))).toEqual([
      { from: 1, to: 3, text: 'é' }
    ]);
  });

  it('leaves whole tokens alone', () => {
    expect(characterRuns(tokens('你', '<0x0A>', 'a', undefined, ''))).toEqual(
      []
    );
  });
});
