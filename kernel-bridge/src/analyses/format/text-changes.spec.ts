/** Changes of format keep what is said, and change something. */
import { randomNumbers } from '../../base/statistics/random';
import { changedArbitrarily, changeSize } from './arbitrary-change';
import { contentOf, FORMAT_KINDS, TEXT_CHANGES } from './text-changes';

const TEXTS = {
  english:
    "The committee didn't meet on Thursday. It will decide about 3.5 million, won't it?",
  german: 'Straße, Maß und Größe: die „Grüße“ kommen später. Ende!',
  turkish: 'İstanbul, Iğdır; ılık. İyi!',
  code: 'def fib(n):\n    if n < 2:\n        return n\n    return fib(n - 1) + 0.25',
  chinese: '你好，世界。 今天是 2024 年。 再见。',
  marks: '... !?',
  emoji: 'Good 👍🏽 morning. 🎉 Bye.',
  combining: 'Cafe\u0301 au lait. E\u0301te\u0301.'
};
const CASES = Object.entries(TEXTS).flatMap(([language, text]) =>
  TEXT_CHANGES.map(change => [language, change.name, text, change] as const)
);

/** Letters and digits, in another way than the code under test reads them: by code points, folded by locale. */
function letters(text: string): string[] {
  return [...text]
    .filter(letter => /[\p{Alphabetic}\p{Mark}\p{Number}]/u.test(letter))
    .map(letter => letter.toLocaleLowerCase('en'));
}

it.each(CASES)('%s, %s: letters and digits stay', (_, __, text, { apply }) => {
  const changed = apply(text, randomNumbers(3));
  expect(letters(changed)).toEqual(letters(text));
  expect(contentOf(changed)).toBe(contentOf(text));
});

it.each([
  ['lower case', 'A Bc. D', 'a bc. d'],
  ['upper case', 'Maß 3a', 'MAß 3A'],
  ['double spaces', 'a b  c', 'a  b    c'],
  ['tabs', 'a  b c', 'a\tb\tc'],
  ['no punctuation', '"It\'s 3.5," he said.', "It's 3.5 he said"],
  ['semicolons', 'a, b: 3.5.', 'a; b; 3.5;'],
  ['one line', 'a\n  b\nc', 'a b c'],
  ['a line a sentence', 'A b. C d! E', 'A b.\nC d!\nE'],
  ['dashes', 'A b. C d.', '- A b.\n- C d.'],
  ['stars', 'a\n\nb', '* a\n\n* b'],
  ['heading', 'a', '# a'],
  ['bold', ' a b \nc', ' **a b** \n**c**'],
  ['code block', 'a', '```\na\n```'],
  ['block quote', 'a\nb', '> a\n> b'],
  ['quotation marks', 'a', '"a"']
])('%s: %j', (name, text, expected) => {
  const { apply } = TEXT_CHANGES.find(change => change.name === name)!;
  expect(apply(text, () => 0.5)).toBe(expected);
});

it.each(['mixed case', 'scattered spaces', 'scattered line breaks'])(
  '%s is random, and the same for a seed',
  name => {
    const { apply } = TEXT_CHANGES.find(change => change.name === name)!;
    const made = [1, 1, 2].map(seed =>
      apply(TEXTS.english, randomNumbers(seed))
    );
    expect(made[0]).toBe(made[1]);
    expect(made[0]).not.toBe(made[2]);
    expect(made[0]).not.toBe(TEXTS.english);
  }
);

it('has changes of each kind, with names of their own', () => {
  expect([...new Set(TEXT_CHANGES.map(({ kind }) => kind))]).toEqual([
    ...FORMAT_KINDS
  ]);
  expect(new Set(TEXT_CHANGES.map(({ name }) => name)).size).toBe(
    TEXT_CHANGES.length
  );
});

describe('an arbitrary change', () => {
  it.each([
    [
      [0, 1, 2, 3],
      [0, 9, 1, 3, 9]
    ],
    [
      [0, 1, 2, 3],
      [0, 7]
    ],
    [[0], [0, 5, 5, 5]],
    [
      [0, 4, 4, 4],
      [0, 4, 5, 6]
    ]
  ])('of %j is as large as to %j', (text, variant) => {
    const size = changeSize(text, variant);
    const changed = changedArbitrarily(
      text,
      size,
      1,
      [100, 101],
      randomNumbers(5)
    );
    expect(changed).toHaveLength(variant.length);
    expect(changed[0]).toBe(0);
    expect(changed.filter(id => id >= 100)).toHaveLength(size.added);
    expect(changeSize(text, changed)).toEqual(size);
  });
});
