import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultRows, withFaults } from './page.mjs';

const page = `# Testing

<!-- npm run test:faults writes from here -->

| what   | tried | came out |
| ------ | ----- | -------- |
| kills  | 3     | old      |
| floods | 5     | kept     |

<!-- to here -->

More.
`;

test('new rows take the place of old ones, and the others stay', () => {
  const rows = faultRows('["kills","4","new"]\n["flips","6","x"]\n');
  assert.equal(
    withFaults(page, rows),
    `# Testing

<!-- npm run test:faults writes from here -->

| what | tried | came out |
| --- | --- | --- |
| kills | 4 | new |
| floods | 5 | kept |
| flips | 6 | x |

<!-- to here -->

More.
`
  );
});

test('a page without a place for them is not changed', () => {
  assert.throws(() => withFaults('# Testing', []), /has no/);
});
