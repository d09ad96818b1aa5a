import type { Check } from 'moe-debugger/protocol';
import { kindTitle } from '../../findings/words';
import type { ITranslation } from '../../translation';

/** What was looked for, with its count, and what was not looked at, with the reason. */
export function Checks({
  checks,
  trans
}: {
  checks: readonly Check[];
  trans: ITranslation;
}): JSX.Element {
  return (
    <ul className="moe-Overview-checks" aria-label={trans.__('Looked for')}>
      {[...checks]
        .sort(skippedLast)
        .map(({ kind, looked, why, count, undecided, certainty }) => (
          <li
            key={kind}
            className={
              !looked
                ? 'moe-Check moe-mod-skipped'
                : count > 0
                  ? 'moe-Check moe-mod-found'
                  : 'moe-Check'
            }
            title={[
              certainty,
              ...(why ? [trans.__('not looked at: %1', why)] : [])
            ].join('\n')}
          >
            {kindTitle(kind, trans)}
            {': '}
            {!looked
              ? trans.__('not run')
              : undecided > 0 && count === 0
                ? trans.__('cannot tell yet')
                : count}
          </li>
        ))}
    </ul>
  );
}

function skippedLast(a: Check, b: Check): number {
  return Number(b.looked) - Number(a.looked);
}
