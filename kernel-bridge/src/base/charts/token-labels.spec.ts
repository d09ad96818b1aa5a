import { decodeSample, encodeSample, NO_TOKEN_ID } from '../protocol';
import { tokenText } from './token-labels';

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
