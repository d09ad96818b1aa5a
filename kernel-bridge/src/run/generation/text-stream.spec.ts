import { DEMO } from '../../../test/zoo';
import { Tokenizer } from '../model/tokenizer';
import { StopStrings, TextStream } from './text-stream';

const tokenizer = Tokenizer.load(DEMO)!;

/** The text that each token of `text` adds, after `context`. */
function pieces(text: string, context = ''): string[] {
  const ids = tokenizer.encode(text, { specialTokens: false });
  const stream = new TextStream(
    tokenizer,
    context === '' ? [] : tokenizer.encode(context)
  );
  return [...ids.map(id => stream.push(id)), stream.end()];
}

describe('TextStream', () => {
  it.each([
    'def f(x):\n    return x',
    'où étés naïfs ça œuvre',
    'Größe straße',
    '日本語の文',
    '👩‍👩‍👧 и ещё',
    ' leading',
    '\u0000\t'
  ])('reproduces %j, for any tokenization', text => {
    expect(pieces(text).join('')).toBe(text);
    expect(pieces(text, 'Some text before it').join('')).toBe(text);
  });

  it('never emits an incomplete character', () => {
    const text = '日本語';
    const parts = pieces(text);
    expect(parts.length).toBeGreaterThan(text.length + 1);
    expect(
      parts.filter(part => part !== '').every(part => !part.includes('\ufffd'))
    ).toBe(true);
  });

  it('emits bytes that never become a character at the end', () => {
    const [first] = tokenizer.encode('日', { specialTokens: false });
    const stream = new TextStream(tokenizer, []);
    expect([stream.push(first), stream.end(), stream.end()]).toEqual([
      '',
      '<0xE6>',
      ''
    ]);
  });

  it('continues after invalid bytes', () => {
    const [first] = tokenizer.encode('日', { specialTokens: false });
    const [x] = tokenizer.encode('x', { specialTokens: false });
    const stream = new TextStream(tokenizer, []);
    expect([stream.push(first), stream.push(x), stream.push(x)]).toEqual([
      '',
      '<0xE6>x',
      'x'
    ]);
  });
});

describe('StopStrings', () => {
  /** Text emitted for each piece, up to the one that stops. */
  function through(
    stops: string[],
    given: string[]
  ): { out: string[]; stopped: boolean } {
    const matcher = new StopStrings(stops);
    const out: string[] = [];
    for (const piece of given) {
      const { text, stopped } = matcher.push(piece);
      out.push(text);
      if (stopped) {
        return { out, stopped };
      }
    }
    return { out: [...out, matcher.end()], stopped: false };
  }

  it('emits text at once when there is no possible stop string', () => {
    expect(through([], ['a', 'b'])).toEqual({
      out: ['a', 'b', ''],
      stopped: false
    });
    expect(through(['xyz'], ['ab', 'cd'])).toEqual({
      out: ['ab', 'cd', ''],
      stopped: false
    });
  });

  it('finds a stop string across pieces and truncates before it', () => {
    expect(through(['STOP'], ['go S', 'T', 'OP now'])).toEqual({
      out: ['go ', '', ''],
      stopped: true
    });
  });

  it('emits text that only looked like the start of one', () => {
    expect(through(['STOP'], ['S', 'T', 'AY'])).toEqual({
      out: ['', '', 'STAY', ''],
      stopped: false
    });
    expect(through(['STOP'], ['ST'])).toEqual({
      out: ['', 'ST'],
      stopped: false
    });
  });

  it('finds the first of several, and one that overlaps itself', () => {
    expect(through(['b', 'ab'], ['xab'])).toEqual({
      out: ['x'],
      stopped: true
    });
    expect(through(['aab'], ['a', 'a', 'a', 'b'])).toEqual({
      out: ['', '', 'a', ''],
      stopped: true
    });
  });
});
