import { printable, printableJson, printableLine } from './printable';

it.each([
  ['\x1b[2J\x1b]0;title\x07', '\\x1b[2J\\x1b]0;title\\x07'],
  ['\x9b31m', '\\x9b31m'],
  ['a\rb\bc\x7f', 'a\\x0db\\x08c\\x7f'],
  ['abc\u202etxt.exe', 'abc\\u202etxt.exe'],
  ['caf\ufffd', 'caf\\ufffd'],
  ['\ud83d, \ude00 and \ude00\ud83d', '\\ud83d, \\ude00 and \\ude00\\ud83d'],
  ['Grüße, 你好 👩‍💻\tx\n', 'Grüße, 你好 👩‍💻\tx\n']
])('shows %j', (text, shown) => {
  expect(printable(text)).toBe(shown);
});

it('keeps a text in its line', () => {
  expect(printableLine('a\nerror\tb\x1b')).toBe('a\\nerror\\tb\\x1b');
});

it('keeps the values of a JSON document', () => {
  const value = { model: 'a\x1b[31m\x9b\x7f\u202e\ufeff', list: ['\n'] };
  const json = printableJson(JSON.stringify(value));
  expect(JSON.parse(json)).toEqual(value);

  expect(json).toMatch(/^[\x20-\x7e]*$/);
});
