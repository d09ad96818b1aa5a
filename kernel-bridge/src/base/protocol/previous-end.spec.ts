import { readPreviousEnd, type PreviousEnd } from './previous-end';

const ENDS: PreviousEnd[] = [
  { cause: 'exit', code: 3 },
  { cause: 'memory' },
  { cause: 'crash', error: 'FATAL' },
  { cause: 'killed' }
];

it('reads each end as it was sent', () => {
  expect(
    ENDS.map(end => readPreviousEnd(JSON.parse(JSON.stringify(end))))
  ).toEqual(ENDS);
});

it('reads nothing from anything else, and cuts what is long', () => {
  expect(
    [
      undefined,
      null,
      'killed',
      [],
      { cause: '<b>' },
      { cause: 'exit', code: '3' },
      { cause: 'exit', code: 1e300 },
      { cause: 'crash' }
    ].map(readPreviousEnd)
  ).toEqual(Array(8).fill(undefined));
  expect(
    readPreviousEnd({ cause: 'crash', error: 'x'.repeat(1000), more: 1 })
  ).toEqual({ cause: 'crash', error: 'x'.repeat(200) });
});
