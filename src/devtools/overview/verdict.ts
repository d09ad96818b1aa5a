import type { Check, Finding, FoundInRouting } from 'moe-debugger/protocol';
import type { ITranslation } from '../../translation';

/** Counts of a diagnosis: null where it was not looked at. */
export interface IVerdict {
  dead: number | null;
  /** Experts that these tokens do not decide whether they are dead. */
  undecided: number;
  specialists: number | null;
  unbalanced: number | null;
  /** Whether these tokens do not decide about the loads of a layer. */
  isBalanceOpen: boolean;
}

const UNBALANCED: readonly Check['kind'][] = [
  'load-imbalance',
  'router-collapse'
];

/** Counts experts once, however many findings name them, and layers for loads. */
export function verdictOf({
  findings,
  undecided,
  checks
}: FoundInRouting): IVerdict {
  const looked = (kind: Check['kind']): boolean =>
    checks.some(check => check.kind === kind && check.looked);
  const distinct = (
    items: readonly Pick<
      Finding,
      'kind' | 'stack' | 'layer' | 'module' | 'experts'
    >[],
    kinds: readonly Check['kind'][],
    keyOf: 'expert' | 'layer'
  ): number =>
    new Set(
      items
        .filter(({ kind }) => kinds.includes(kind))
        .flatMap(({ stack, layer, module, experts }) =>
          keyOf === 'layer'
            ? [[stack, layer, module].join('/')]
            : experts.map(expert => [stack, layer, module, expert].join('/'))
        )
    ).size;
  const count = (
    kinds: readonly Check['kind'][],
    keyOf: 'expert' | 'layer'
  ): number | null =>
    kinds.some(looked) ? distinct(findings, kinds, keyOf) : null;
  return {
    dead: count(['dead-expert'], 'expert'),
    undecided: distinct(undecided, ['dead-expert'], 'expert'),
    specialists: count(['specialist-expert'], 'expert'),
    unbalanced: count(UNBALANCED, 'layer'),
    isBalanceOpen: checks.some(
      check => UNBALANCED.includes(check.kind) && check.undecided > 0
    )
  };
}

/** "0 dead of 48 experts, 3 specialists, no layer out of balance" */
export function verdictText(
  { dead, undecided, specialists, unbalanced, isBalanceOpen }: IVerdict,
  experts: number,
  trans: ITranslation
): string {
  return [
    dead === null
      ? trans._n('%1 expert', '%1 experts', experts)
      : trans._n(
          '%2 dead of %1 expert',
          '%2 dead of %1 experts',
          experts,
          dead
        ),
    ...(undecided > 0 ? [trans.__('cannot tell yet for %1', undecided)] : []),
    ...(specialists === null
      ? []
      : [trans._n('%1 specialist', '%1 specialists', specialists)]),
    ...(unbalanced === null
      ? []
      : [
          unbalanced === 0
            ? isBalanceOpen
              ? trans.__('balance: cannot tell yet')
              : trans.__('no layer out of balance')
            : trans._n(
                '%1 layer out of balance',
                '%1 layers out of balance',
                unbalanced
              )
        ])
  ].join(', ');
}
