import type { PreviousEnd } from 'moe-debugger/protocol';
import type { ITranslation } from '../translation';

/** Says how the kernel before this one ended, if it was not shut down, and what to do about it. */
export function PreviousEndLine(props: {
  end: PreviousEnd | undefined;
  trans: ITranslation;
}): JSX.Element | null {
  const { end, trans } = props;
  return end ? (
    <p className="moe-Warning">
      {how(end, trans)} {trans.__('Variables and loaded models are lost.')}
    </p>
  ) : null;
}

function how(end: PreviousEnd, trans: ITranslation): string {
  switch (end.cause) {
    case 'exit':
      return trans.__(
        'The last kernel ended, because a cell called process.exit(%1).',
        end.code
      );
    case 'memory':
      return trans.__(
        'The last kernel crashed: JavaScript ran out of memory. Process less at a time, or give Node more memory with %1.',
        'NODE_OPTIONS=--max-old-space-size=MEGABYTES'
      );
    case 'crash':
      return trans.__('The last kernel crashed: %1.', end.error);
    case 'killed':
      return trans.__(
        'The last kernel was killed or crashed, for example because the machine ran out of memory.'
      );
  }
}
