/** A tokenizer.json is an untrusted file: what it says may not stop the process. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../../test/temporary';
import { DEMO } from '../../../test/zoo';
import { Tokenizer } from './tokenizer';

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
