import type { Finding } from 'moe-debugger/protocol';
import { findingFilter } from './finding-filter';

const finding = (more: Partial<Finding>) =>
  ({ layer: 2, experts: [], evidence: {}, ...more }) as Finding;

it.each<[Partial<Finding>, string]>([
  [{}, 'layer:2'],
  [{ experts: [5] }, 'expert:2:5'],
  [{ experts: [5, 7] }, 'expert:2:5,2:7'],
  [{ experts: [1], stack: 'encoder', module: 'mlp' }, 'expert:encoder:2:mlp:1'],
  [
    {
      experts: [1],
      evidence: { category: 'domain', class: 'old german' }
    },
    'expert:2:1 domain:"old german"'
  ],
  [
    { experts: [1], evidence: { category: 'token type', class: 'digit' } },
    'expert:2:1'
  ]
])('the tokens of %p are %p', (more, filter) => {
  expect(findingFilter(finding(more))).toBe(filter);
});
