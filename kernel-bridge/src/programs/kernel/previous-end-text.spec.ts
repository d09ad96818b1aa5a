import type { PreviousEnd } from '../../base/protocol';
import { describePreviousEnd } from './previous-end-text';

const ENDS: PreviousEnd[] = [
  { cause: 'exit', code: 3 },
  { cause: 'memory' },
  { cause: 'crash', error: 'FATAL' },
  { cause: 'killed' }
];

it('describes each end', () => {
  expect(ENDS.map(describePreviousEnd)).toEqual([
    expect.stringContaining('process.exit(3) was called'),
    expect.stringMatching(/ran out of memory\. .*NODE_OPTIONS/),
    expect.stringContaining('crashed: FATAL.'),
    expect.stringContaining('was killed or crashed')
  ]);
});
