import { hasTopLevelAwait } from './top-level-await';

it.each([
  'await null;',
  'await (f as any)(1);',
  'const a = await (async () => 1)();',
  'await [1, 2];',
  'await `text`;',
  'for await (const x of y) { x; }',
  'if (a) { await (b); }'
])('finds the await of %s', code => {
  expect(hasTopLevelAwait(code)).toBe(true);
});

it.each([
  'async function f() { await (g()); }',
  'const f = async () => await (g());',
  'class A { async b() { for await (const x of y) { x; } } }',
  "const text = 'await (x)'; // await (x)",
  'const o = { await: 1 }; o.await;'
])('finds none in %s', code => {
  expect(hasTopLevelAwait(code)).toBe(false);
});
