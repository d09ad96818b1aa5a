import type {
  Check,
  Finding,
  FoundInRouting,
  Undecided
} from 'moe-debugger/protocol';
import { testContext } from '../../testing/context';
import { sizeText } from '../words';
import { verdictOf, verdictText } from './verdict';

const { trans } = testContext();

const check = (kind: Check['kind'], looked = true): Check => ({
  kind,
  looked,
  count: 0,
  undecided: 0,
  threshold: null,
  certainty: ''
});
const finding = (kind: Finding['kind'], layer: number, experts: number[]) =>
  ({ kind, layer, experts }) as Finding;
const found = (more: Partial<FoundInRouting>): FoundInRouting => ({
  tokens: 1,
  samples: 1,
  findings: [],
  undecided: [],
  checks: [
    check('dead-expert'),
    check('specialist-expert'),
    check('load-imbalance')
  ],
  coverage: { routers: 2, routersWithWeights: 0 },
  ...more
});
const text = (more: Partial<FoundInRouting>) =>
  verdictText(verdictOf(found(more)), 48, trans);

it('counts experts and layers once, however many findings name them', () => {
  expect(text({})).toBe(
    '0 dead of 48 experts, 0 specialists, no layer out of balance'
  );
  expect(
    text({
      findings: [
        finding('dead-expert', 0, [1, 2]),
        finding('dead-expert', 0, [2]),
        finding('dead-expert', 3, [2]),
        finding('specialist-expert', 1, [4]),
        finding('specialist-expert', 1, [4]),
        finding('load-imbalance', 0, [1]),
        finding('router-collapse', 0, [])
      ]
    })
  ).toBe('3 dead of 48 experts, 1 specialist, 1 layer out of balance');
});

it('claims nothing of what was not looked at, or not decided', () => {
  expect(text({ checks: [check('dead-expert', false)] })).toBe('48 experts');
  expect(
    text({
      undecided: [finding('dead-expert', 0, [1, 5]) as unknown as Undecided]
    })
  ).toBe(
    '0 dead of 48 experts, cannot tell yet for 2, 0 specialists, no layer out of balance'
  );
});

it('does not call loads even that too little text decides', () => {
  const open = { ...check('load-imbalance'), undecided: 3 };
  expect(text({ checks: [check('dead-expert'), open] })).toBe(
    '0 dead of 48 experts, balance: cannot tell yet'
  );
  expect(
    text({
      checks: [check('dead-expert'), open],
      findings: [finding('load-imbalance', 0, [1])]
    })
  ).toBe('0 dead of 48 experts, 1 layer out of balance');
});

it('says how much text there is', () => {
  expect(sizeText(1, 1, trans)).toBe('1 token in 1 sample');
  expect(sizeText(242, 7, trans)).toBe('242 tokens in 7 samples');
  expect(sizeText(100_000, 2, trans)).toBe('100,000 tokens in 2 samples');
});
