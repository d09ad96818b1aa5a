import { decodeSample, encodeSample, NO_TOKEN_ID } from '../protocol';
import { tokenText } from './token-labels';

describe('a token that cannot be read', () => {
  it('is labelled with its id where only a replacement character was recorded', () => {
    expect(tokenText({ position: 7, id: 30, text: ' \ufffd' })).toBe('#30');
    expect(tokenText({ position: 7, id: NO_TOKEN_ID, text: '\ufffd' })).toBe(
      '@7'
    );
  });

  it('shows invisible characters by their code points', () => {
    expect(tokenText({ position: 0, id: 1, text: 'a\u200bb\u0000' })).toBe(
      'a<U+200B>b<U+0000>'
    );
    expect(tokenText({ position: 0, id: 1, text: '<0xE4>' })).toBe('<0xE4>');
  });
});

describe('a token without id or text', () => {
  const token = { position: 7, id: NO_TOKEN_ID };

  it('is labelled with its position', () => {
    expect(tokenText(token)).toBe('@7');
    expect(tokenText({ position: 7, id: 3 })).toBe('#3');
  });

  it('is kept in an output, where other negative ids are rejected', () => {
    const sample = { id: 'a', tokens: [token], layers: [] };
    expect(decodeSample(encodeSample(sample)).tokens).toEqual([token]);
    expect(() =>
      decodeSample({ ...sample, tokens: [{ position: 7, id: -2 }] })
    ).toThrow(/tokens\[0\]\.id is not a count/);
  });
});
