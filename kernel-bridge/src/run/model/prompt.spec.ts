import { DEMO } from '../../../test/zoo';
import { tokenizePrompt, type Prompt, type PromptLimits } from './prompt';
import { Tokenizer } from './tokenizer';

const tokenizer = Tokenizer.load(DEMO)!;
const limits: PromptLimits = { tokenizer, vocabulary: 2048, context: 8 };
const refusal = (code: string, what: RegExp) =>
  expect.objectContaining({
    name: 'MoEDebuggerError',
    code,
    message: expect.stringMatching(what) as string
  });

describe('tokenizePrompt', () => {
  it('accepts a text, ids, or an object with one of them', () => {
    const ids = tokenizer.encode('def fib');
    expect(tokenizePrompt('def fib', 0, limits)).toEqual({
      id: '0',
      ids,
      label: 'def fib'
    });
    expect(tokenizePrompt([1, 2, 3], 4, limits)).toEqual({
      id: '4',
      ids: [1, 2, 3],
      label: '3 token ids'
    });
    expect(
      tokenizePrompt(Int32Array.of(1, 2) as unknown as Prompt, 0, limits).ids
    ).toEqual([1, 2]);
    expect(
      tokenizePrompt({ inputIds: [1], id: 'a', domain: 'c' }, 0, limits)
    ).toEqual({ id: 'a', domain: 'c', ids: [1], label: '1 token ids' });
  });

  it('gives a decoder its start when none is given', () => {
    const both = { ...limits, decoderStart: [0] };
    expect(tokenizePrompt([1, 2], 0, both).decoderIds).toEqual([0]);
    expect(
      tokenizePrompt({ inputIds: [1], decoderInputIds: [0, 5] }, 0, both)
        .decoderIds
    ).toEqual([0, 5]);
  });

  it.each([
    ['an empty text', '', 'input', /the prompt is empty \(prompt 1\)/],
    ['no ids', [], 'input', /the prompt has no tokens \(prompt 1\)/],
    [
      'more than the context',
      [1, 2, 3, 4, 5, 6, 7, 8, 9],
      'input',
      /has 9 tokens and the model's context is 8 \(prompt 1\): shorten it to 8 tokens/
    ],
    [
      'an id beyond the vocabulary',
      [1, 2048],
      'input',
      /token id 2048 is not in the model's vocabulary \(prompt 1\): ids run from 0 to 2047/
    ],
    ['a negative id', [-1], 'input', /token id -1/],
    ['half an id', [1.5], 'input', /token id 1.5/],
    ['no number', [NaN], 'input', /token id NaN/],
    ['both forms', { text: 'a', inputIds: [1] }, 'input', /a prompt is a text/],
    ['neither form', {}, 'input', /a prompt is a text/],
    ['nothing', null, 'input', /a prompt is a text/],
    ['a number', 7, 'input', /a prompt is a text/]
  ])('refuses %s', (_, prompt, code, what) => {
    expect(() => tokenizePrompt(prompt as Prompt, 0, limits)).toThrow(
      refusal(code, what)
    );
  });

  it('names a prompt by its id', () => {
    expect(() =>
      tokenizePrompt({ inputIds: [5000], id: 'row-7' }, 3, limits)
    ).toThrow(/prompt row-7/);
  });

  it('requires a tokenizer for a text', () => {
    expect(() => tokenizePrompt('a', 0, {})).toThrow(
      refusal('tokenizer', /no tokenizer.json.*give token ids/)
    );
    expect(tokenizePrompt([99999], 0, {}).ids).toEqual([99999]);
  });
});

describe('Tokenizer', () => {
  it('reads pieces that join to the text', () => {
    const text = 'def fib(n):\n    return n';
    const ids = tokenizer.encode(text);
    expect(ids.map(id => tokenizer.piece(id)).join('')).toBe(text);
    expect(tokenizer.decode(ids)).toBe(text);
  });

  it('has a placeholder for unknown ids', () => {
    expect(tokenizer.piece(1_000_000)).toBe('<1000000>');
  });
});
