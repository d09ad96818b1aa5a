import assert from 'node:assert/strict';
import { test } from 'node:test';
import { againstLast, againstTarget, better } from './compare.mjs';

const ratio = (value, interval, more = {}) => ({
  unit: 'x',
  value,
  interval,
  ...more
});

test('knows whether more or less of a unit is better', () => {
  assert.equal(better({ unit: 's' }), 'less');
  assert.equal(better({ unit: 'million events/s' }), 'more');
  assert.equal(better({ unit: 'x' }), undefined);
  assert.equal(better({ unit: 'x', target: { atLeast: 3 } }), 'more');
  assert.equal(better({ unit: 'x', target: { atMost: 3 } }), 'less');
  assert.equal(better({ unit: 'x', target: { within: 'control' } }), 'less');
  assert.equal(better({ unit: 's', better: 'more' }), 'more');
});

test('meets a target at its bound', () => {
  const met = (value, target) => againstTarget({ value, unit: 's', target });
  assert.deepEqual(met(1.2, { atMost: 1.2 }), { text: '<= 1.2', met: true });
  assert.deepEqual(met(1.41, { atMost: 1.2 }), { text: '<= 1.2', met: false });
  assert.deepEqual(met(6.89, { atLeast: 20 }), { text: '>= 20', met: false });
  assert.deepEqual(met(0, { atMost: 0 }), { text: '<= 0', met: true });
  assert.equal(met(1, undefined), undefined);
  assert.equal(met('not measured', { atMost: 1 }), undefined);
});

test('treats overlapping intervals as the noise of the control', () => {
  const target = { within: 'control' };
  const control = { value: 0.97, interval: [0.958, 0.983] };
  const within = againstTarget(
    ratio(1.03, [0.934, 1.047], { target, control })
  );
  assert.deepEqual(within, { text: "within the control's noise", met: true });
  const above = againstTarget(ratio(1.03, [0.984, 1.047], { target, control }));
  assert.equal(above.met, false);
});

test('gives the change since the last run', () => {
  const change = againstLast(
    { unit: 's', value: 1.5 },
    { unit: 's', value: 1.2 }
  );
  assert.equal(change.before, 1.2);
  assert.ok(Math.abs(change.change - 0.25) < 1e-12);
  // Seconds of one run have no interval: a change is shown, not judged.
  assert.equal(change.worse, false);
});

test('calls a ratio worse only beyond the noise of both runs', () => {
  const target = { atMost: 1.08 };
  const last = ratio(1.0, [0.98, 1.02]);
  const worse = (value, interval) =>
    againstLast(ratio(value, interval, { target }), last).worse;
  assert.equal(worse(1.05, [1.03, 1.07]), true);
  assert.equal(worse(1.05, [0.99, 1.07]), false, 'the last lies in its noise');
  assert.equal(
    worse(1.01, [1.005, 1.03]),
    false,
    'it lies in the last’s noise'
  );
  assert.equal(worse(0.9, [0.88, 0.92]), false, 'it is better');
});

test('reports a decrease as worse if more is better', () => {
  const last = ratio(8, [7.5, 8.5]);
  const change = target => againstLast(ratio(5, [4, 6], target), last).worse;
  assert.equal(change({ target: { atLeast: 3 } }), true);
  assert.equal(change({ better: 'less' }), false);
  assert.equal(change({}), false, 'nothing says which way is worse');
});

test('gives no change without a last run', () => {
  const row = { unit: 's', value: 1 };
  assert.equal(againstLast(row, undefined), undefined);
  assert.equal(
    againstLast(row, { unit: '', value: 'not measured' }),
    undefined
  );
  assert.equal(
    againstLast({ unit: '', value: 'not measured' }, row),
    undefined
  );
  assert.equal(againstLast(row, { unit: 'ms', value: 1000 }), undefined);
  assert.equal(againstLast(row, { unit: 's', value: 0 }).change, undefined);
});
