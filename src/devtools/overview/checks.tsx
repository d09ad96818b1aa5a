import type { Check } from 'moe-debugger/protocol';
import { kindTitle } from '../../findings/words';
import type { ITranslation } from '../../translation';

/** What was looked for, with its count, then what was not looked at. The tooltip has certainty and reason. */
export function Checks({
  checks,
  trans
}: {
  checks: readonly Check[];
  trans: ITranslation;
}): JSX.Element {
  return (
    <ul className="moe-Overview-checks" aria-label={trans.__('Looked for')}>
      {[...checks].sort(skippedLast).map(check => {
        const { kind, why, certainty } = check;
        const state = stateOf(check);
        return (
          <li
            key={kind}
            className={`moe-Check moe-mod-${state}`}
            title={[
              certainty,
              ...(why ? [trans.__('not looked at: %1', why)] : [])
            ].join('\n')}
          >
            {kindTitle(kind, trans)}
            {': '}
            {state === 'skipped'
              ? trans.__('not run')
              : state === 'open'
                ? trans.__('cannot tell yet')
                : why
                  ? trans.__('%1, in part', check.count)
                  : check.count}
          </li>
        );
      })}
    </ul>
  );
}

type CheckState = 'skipped' | 'found' | 'open' | 'none';

/** `open`: these tokens do not decide whether there is one. */
function stateOf({ looked, count, undecided }: Check): CheckState {
  return !looked
    ? 'skipped'
    : count > 0
      ? 'found'
      : undecided > 0
        ? 'open'
        : 'none';
}

function skippedLast(a: Check, b: Check): number {
  return Number(b.looked) - Number(a.looked);
}
