import {
  layerName,
  type Finding,
  type FoundInRouting
} from 'moe-debugger/protocol';
import { certaintyText, expertsText, kindTitle } from '../../findings/words';
import type { IViewContext } from '../context';
import { showFinding } from '../findings';

const MOST = 8;

/** The findings that matter most, each with a way to look at it. */
export function NextSteps({
  context,
  found
}: {
  context: IViewContext;
  found: FoundInRouting;
}): JSX.Element {
  const { trans } = context;
  const { findings } = found;
  return (
    <section className="moe-Section">
      <header className="moe-Section-head">
        <h3>{trans.__('What to look at next')}</h3>
        {findings.length > 0 && (
          <button
            className="moe-LinkButton"
            onClick={() => context.open('findings')}
          >
            {trans._n('%1 finding', 'All %1 findings', findings.length)}
          </button>
        )}
      </header>
      {findings.length === 0 ? (
        <p className="moe-Message">
          {found.undecided.length === 0
            ? trans.__('Nothing stands out in this text.')
            : trans.__(
                'Nothing is certain yet: trace more text, of several domains.'
              )}
        </p>
      ) : (
        <ul className="moe-Steps">
          {findings.slice(0, MOST).map((finding, i) => (
            <Step key={i} context={context} finding={finding} />
          ))}
        </ul>
      )}
    </section>
  );
}

function Step({
  context,
  finding
}: {
  context: IViewContext;
  finding: Finding;
}): JSX.Element {
  const { trans } = context;
  const { kind, severity, experts, message } = finding;
  return (
    <li className="moe-Step" data-moe-severity={severity}>
      <span className="moe-Step-text">
        <strong>
          {[layerName(finding), expertsText(experts, trans)]
            .filter(Boolean)
            .join(', ')}
        </strong>{' '}
        <span className="moe-Step-kind">{kindTitle(kind, trans)}</span>
        <br />
        {message}
        <span className="moe-Step-certainty">
          {certaintyText(finding, trans)}
        </span>
      </span>
      <button
        className="moe-Button"
        onClick={() => showFinding(context, finding)}
      >
        {experts.length === 0
          ? trans.__('Show it')
          : experts.length === 1
            ? trans.__('See its tokens')
            : trans.__('See their tokens')}
      </button>
    </li>
  );
}
