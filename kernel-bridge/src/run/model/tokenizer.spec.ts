/** A tokenizer.json is an untrusted file: what it says may not stop the process. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../../test/temporary';
import { DEMO } from '../../../test/zoo';
import { findTokenizer, Tokenizer } from './tokenizer';

const demo = JSON.parse(
  readFileSync(join(DEMO, 'tokenizer.json'), 'utf8')
) as Record<string, unknown>;

/** The demo's tokenizer with other parts. */
function tokenizerWith(parts: Record<string, unknown>): Tokenizer {
  const folder = temporaryFolder();
  writeFileSync(
    join(folder, 'tokenizer.json'),
    JSON.stringify({ ...demo, ...parts })
  );
  return Tokenizer.load(folder)!;
}

const REGEX = { Regex: '(a+)+$' };
// 2^40 ways to divide the letters.
const TEXT = `${'a'.repeat(40)}!`;
const stopped = expect.objectContaining({
  name: 'MoEDebuggerError',
  code: 'tokenizer',
  message: expect.stringMatching(
    /the tokenizer was stopped: it could not .* within 3.* s .*tokenizer\.json/
  ) as string
}) as Error;

describe('a pattern that backtracks without end is stopped', () => {
  it('in the pre-tokenizer', () => {
    const tokenizer = tokenizerWith({
      pre_tokenizer: {
        type: 'Split',
        pattern: REGEX,
        behavior: 'Isolated',
        invert: false
      }
    });
    expect(() => tokenizer.encode(TEXT)).toThrow(stopped);
    // It still works on texts that the pattern is quick with.
    expect(tokenizer.encode('b').length).toBeGreaterThan(0);
  });

  it('in the normalizer', () => {
    const tokenizer = tokenizerWith({
      normalizer: { type: 'Replace', pattern: REGEX, content: 'b' }
    });
    expect(() => tokenizer.encode(TEXT)).toThrow(stopped);
  });

  it('in the decoder', () => {
    const vocabulary = (demo.model as { vocab: Record<string, number> }).vocab;
    const letters = [...TEXT].map(letter => vocabulary[letter]);
    const tokenizer = tokenizerWith({
      decoder: {
        type: 'Sequence',
        decoders: [
          { type: 'Fuse' },
          { type: 'Replace', pattern: REGEX, content: 'b' }
        ]
      }
    });
    expect(() => tokenizer.decode(letters)).toThrow(stopped);
  });
});

describe('parts of characters', () => {
  // What UTF-8 says, not the tokenizer: 日 is E6 97 A5, ä is C3 A4, 👍 is F0 9F 91 8D.
  const shown = (text: string) =>
    [...Buffer.from(text)]
      .map(byte => `<0x${byte.toString(16).toUpperCase()}>`)
      .join('');

  it.each(['日', '👍', '\u{1f9ff}'])(
    'shows the bytes of each token of %j, and the character of all',
    text => {
      const tokenizer = tokenizerWith({});
      const ids = tokenizer.encode(text);
      expect(ids.length).toBeGreaterThan(1);
      expect(ids.map(id => tokenizer.piece(id)).join('')).toBe(shown(text));
      expect(tokenizer.decode(ids)).toBe(text);
    }
  );

  it('shows only the bytes that are no character, with what is around them', () => {
    const tokenizer = tokenizerWith({});
    const ids = tokenizer.encode('日');
    const a = tokenizer.encode(' a');
    const cut = [...a, ...ids.slice(0, -1), ...a, ...ids, ...ids.slice(1)];
    const bytes = shown('日');
    expect(tokenizer.decode(cut)).toBe(
      ` a${bytes.slice(0, 6 * (ids.length - 1))} a日${bytes.slice(6)}`
    );
    expect(tokenizer.endsInsideCharacter(ids.slice(0, -1))).toBe(true);
    expect(tokenizer.endsInsideCharacter(ids)).toBe(false);
  });

  it('shows the byte tokens of a SentencePiece vocabulary', () => {
    const bytes = Array.from(
      { length: 256 },
      (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`
    );
    const tokens = ['<unk>', ...bytes, '\u2581a', 'b'];
    const tokenizer = tokenizerWith({
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: {
        type: 'Metaspace',
        replacement: '\u2581',
        prepend_scheme: 'first'
      },
      decoder: {
        type: 'Sequence',
        decoders: [
          {
            type: 'Replace',
            pattern: { String: '\u2581' },
            content: ' '
          },
          { type: 'ByteFallback' },
          { type: 'Fuse' },
          { type: 'Strip', content: ' ', start: 1, stop: 0 }
        ]
      },
      model: {
        type: 'BPE',
        unk_token: '<unk>',
        byte_fallback: true,
        vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
        merges: []
      },
      post_processor: null
    });
    const byte = (value: number) => 1 + value;
    const [a, b] = [257, 258];
    expect(tokenizer.piece(byte(0xe4))).toBe('<0xE4>');
    expect(tokenizer.decode([a, byte(0xc3), byte(0xa4), b])).toBe('aäb');
    // The library drops the whole of a run with one wrong byte.
    expect(
      tokenizer.decode([a, byte(0xe4), byte(0xc3), byte(0xa4), a, b])
    ).toBe('a<0xE4>ä ab');
  });
});

it('is not stopped on a long text', () => {
  const text = 'def fib(n):\n    return n\n'.repeat(20_000);
  const ids = tokenizerWith({}).encode(text);
  expect(tokenizerWith({}).decode(ids)).toBe(text);
});

it('allocates no padding that the file asks for', () => {
  const tokenizer = tokenizerWith({
    padding: {
      strategy: { Fixed: 2_000_000_000 },
      direction: 'Right',
      pad_to_multiple_of: null,
      pad_id: 0,
      pad_type_id: 0,
      pad_token: '<unk>'
    }
  });
  expect(tokenizer.encode('def')).toEqual(tokenizerWith({}).encode('def'));
});

describe('a token whose text cannot be told', () => {
  it('is shown by its id, and the others soon', () => {
    const vocabulary = (demo.model as { vocab: Record<string, number> }).vocab;
    const tokenizer = tokenizerWith({
      model: { ...(demo.model as object), vocab: { ...vocabulary, [TEXT]: 7 } },
      decoder: {
        type: 'Sequence',
        decoders: [{ type: 'Replace', pattern: REGEX, content: 'b' }]
      }
    });
    const started = performance.now();
    expect(tokenizer.piece(7)).toBe('<7>');
    expect([8, 9, 10].map(id => tokenizer.piece(id))).toEqual([
      '<8>',
      '<9>',
      '<10>'
    ]);
    // One limit of 3 s, not one a token.
    expect(performance.now() - started).toBeLessThan(5500);
  });
});

describe('a tokenizer.json that cannot be read', () => {
  const found = (content: string): ReturnType<typeof findTokenizer> => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'tokenizer.json'), content);
    return findTokenizer(folder);
  };

  it.each([
    ['is cut off', '{"model":', /tokenizer\.json: .*JSON/],
    ['is empty', '', /tokenizer\.json: .*JSON/],
    ['has no model', '{}', /"model"/],
    [
      'has a pattern that is none',
      JSON.stringify({
        ...demo,
        decoder: {
          type: 'Sequence',
          decoders: [{ type: 'Replace', pattern: { Regex: '(' }, content: '' }]
        }
      }),
      /regular expression/
    ]
  ])('%s: says why', (_, content, reason) => {
    const { tokenizer, noTokenizer, isBroken } = found(content);
    expect(tokenizer).toBeUndefined();
    expect(isBroken).toBe(true);
    expect(noTokenizer).toMatch(/^the model's tokenizer cannot be read \(/);
    expect(noTokenizer).toMatch(reason);
  });

  it('is told from none', () => {
    expect(findTokenizer(temporaryFolder())).toEqual({
      tokenizer: undefined,
      noTokenizer: 'the model has no tokenizer.json',
      isBroken: false
    });
  });
});
