import { chromeTrace, decodeProfile, type ProfileDocument } from '.';

const PROFILE: ProfileDocument = {
  schema: 'moe-debugger/profile@1',
  model: 'm',
  prefill: { tokens: 4, runs: 2, milliseconds: 1.5 },
  oneToken: { tokens: 1, runs: 2, milliseconds: 0.5 },
  rows: [
    {
      place: 'layer 0',
      part: 'experts',
      op: 'MatMul',
      milliseconds: 1,
      calls: 2
    },
    {
      place: 'layer 0',
      part: 'router',
      op: 'TopK',
      milliseconds: 0.25,
      calls: 1
    },
    {
      place: 'layer 1',
      part: 'experts',
      op: 'MatMul',
      milliseconds: 0.25,
      calls: 1
    }
  ],
  between: 0.1,
  fused: 0,
  weights: 100,
  written: 10,
  bottlenecks: ['one'],
  notes: [],
  events: [
    { name: 'topk', row: 1, start: 5, duration: 20 },
    { name: 'w1', row: 0, start: 30, duration: 40 },
    { name: 'w2', row: 0, start: 80, duration: 40 },
    { name: 'w1', row: 2, start: 130, duration: 10 }
  ]
};

it('is the same after a message', () => {
  expect(decodeProfile(JSON.parse(JSON.stringify(PROFILE)))).toEqual(PROFILE);
});

it.each<[string, unknown, RegExp]>([
  ['another schema', { ...PROFILE, schema: 'x@2' }, /profile\.schema/],
  [
    'a part that is none',
    { ...PROFILE, rows: [{ ...PROFILE.rows[0], part: 'x' }] },
    /rows\[0\]\.part/
  ],
  [
    'an event of a row that does not exist',
    { ...PROFILE, events: [{ ...PROFILE.events[0], row: 3 }] },
    /events\[0\]\.row/
  ],
  ['a time that is none', { ...PROFILE, between: null }, /profile\.between/]
])('refuses %s', (_, value, message) => {
  expect(() => decodeProfile(value)).toThrow(message);
});

it('becomes trace events: layers over parts over nodes, which lie within them', () => {
  const { traceEvents } = chromeTrace(PROFILE);
  expect(traceEvents.map(({ name, ts, dur }) => [name, ts, dur])).toEqual([
    ['layer 0', 5, 115],
    ['layer 1', 130, 10],
    ['router', 5, 20],
    ['experts', 30, 90],
    ['experts', 130, 10],
    ['topk', 5, 20],
    ['w1', 30, 40],
    ['w2', 80, 40],
    ['w1', 130, 10]
  ]);
  expect(traceEvents.at(-1)).toMatchObject({
    ph: 'X',
    cat: 'MatMul',
    args: { operator: 'MatMul', place: 'layer 1', part: 'experts' }
  });
});
