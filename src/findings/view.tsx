import type { ITranslation } from '../translation';
import {
  layerName,
  type Check,
  type Finding,
  type Severity,
  type Undecided
} from 'moe-debugger/protocol';
import { OWN_KEYS, useSignal } from '../drawing';
import { FindingEvidence } from './evidence';
import type { IFindingsProps } from './props';
import {
  certaintyText,
  expertsText,
  kindTitle,
  measureText,
  severityTitle,
  valueText
} from './words';

const SEVERITIES: readonly Severity[] = ['error', 'warning', 'info'];

/** The list of findings; a click, or Enter, opens the evidence of one. */
export function FindingsView(props: IFindingsProps): JSX.Element {
  const { model, trans } = props;
  const { found, omitted } = model.state;
  useSignal(model.changed);
  return (
    <div className="moe-FindingsView">
      {found.integrity === 'unverified' && (
        <p className="moe-Message">
          {trans.__(
            'Unverified: the trace file, or one that it was made of, has no hash of its content, so a damaged number may go unnoticed.'
          )}
        </p>
      )}
      {found.findings.length === 0 ? (
        <p className="moe-Message">
          {found.undecided.length === 0
            ? trans._n(
                'Nothing was found in %1 token.',
                'Nothing was found in %1 tokens.',
                found.tokens
              )
            : trans._n(
                'Nothing is certain with %1 token.',
                'Nothing is certain with %1 tokens.',
                found.tokens
              )}
        </p>
      ) : (
        <>
          <Severities {...props} />
          <ul className="moe-Findings" aria-label={trans.__('Findings')}>
            {model.listed.map((finding, i) => (
              <FindingItem key={i} finding={finding} {...props} />
            ))}
          </ul>
        </>
      )}
      {omitted > 0 && (
        <p className="moe-Message">
          {trans._n(
            '%1 more finding is not listed.',
            '%1 more findings are not listed.',
            omitted
          )}
        </p>
      )}
      <UndecidedList items={found.undecided} trans={trans} />
      <SkippedList checks={found.checks} trans={trans} />
      <Coverage {...props} />
    </div>
  );
}

/** The number of findings of each severity; a click hides them. */
function Severities({ model, trans }: IFindingsProps): JSX.Element {
  const label = (severity: Severity, n: number): string =>
    severity === 'error'
      ? trans._n('%1 error', '%1 errors', n)
      : severity === 'warning'
        ? trans._n('%1 warning', '%1 warnings', n)
        : trans._n('%1 note', '%1 notes', n);
  return (
    <div
      className="moe-Severities"
      role="group"
      aria-label={trans.__('Listed severities')}
    >
      {SEVERITIES.filter(severity => model.count(severity) > 0).map(
        severity => (
          <button
            key={severity}
            {...OWN_KEYS}
            className="moe-Severity"
            data-moe-severity={severity}
            aria-pressed={model.isListed(severity)}
            onClick={() => model.toggle(severity)}
          >
            {label(severity, model.count(severity))}
          </button>
        )
      )}
    </div>
  );
}

function FindingItem(
  props: IFindingsProps & { finding: Finding }
): JSX.Element {
  const { model, trans, finding } = props;
  const isOpen = model.isOpen(finding);
  const { severity, kind, experts, metric, value, threshold } = finding;
  const certainty = certaintyText(finding, trans);
  return (
    <li className="moe-Finding" data-moe-severity={severity}>
      <button
        {...OWN_KEYS}
        className="moe-Finding-head"
        aria-expanded={isOpen}
        onClick={() => model.open(isOpen ? undefined : finding)}
      >
        <span className="moe-Finding-title">
          <span className="moe-Finding-severity">
            {severityTitle(severity, trans)}
          </span>
          <strong>{kindTitle(kind, trans)}</strong>
          <span className="moe-Finding-place">
            {[layerName(finding), expertsText(experts, trans)]
              .filter(Boolean)
              .join(', ')}
          </span>
        </span>
        <span className="moe-Finding-message">{finding.message}</span>
        <span className="moe-Finding-figures">
          {[
            `${measureText(metric)} ${valueText(value)}`,
            threshold === null
              ? ''
              : trans.__('threshold %1', valueText(threshold)),
            certainty
          ]
            .filter(Boolean)
            .join(' · ')}
        </span>
      </button>
      {isOpen && <FindingEvidence {...props} />}
    </li>
  );
}

function UndecidedList(props: {
  items: readonly Undecided[];
  trans: ITranslation;
}): JSX.Element | null {
  const { items, trans } = props;
  return items.length === 0 ? null : (
    <details className="moe-Undecided">
      <summary {...OWN_KEYS}>
        {trans._n(
          '%1 cannot be told yet',
          '%1 cannot be told yet',
          items.length
        )}
      </summary>
      <ul>
        {items.map((item, i) => (
          <li key={i}>
            <strong>{kindTitle(item.kind, trans)}</strong>{' '}
            {[layerName(item), expertsText(item.experts, trans)]
              .filter(Boolean)
              .join(', ')}
            <br />
            {item.reason}
          </li>
        ))}
      </ul>
    </details>
  );
}

/** What was not looked at, and why. */
function SkippedList(props: {
  checks: readonly Check[];
  trans: ITranslation;
}): JSX.Element | null {
  const { trans } = props;
  const skipped = props.checks.filter(({ why }) => why !== undefined);
  return skipped.length === 0 ? null : (
    <details className="moe-Undecided">
      <summary {...OWN_KEYS}>
        {trans._n(
          '%1 kind of finding was not looked at, or in part',
          '%1 kinds of finding were not looked at, or in part',
          skipped.length
        )}
      </summary>
      <ul>
        {skipped.map(({ kind, why }) => (
          <li key={kind}>
            <strong>{kindTitle(kind, trans)}</strong>
            <br />
            {why}
          </li>
        ))}
      </ul>
    </details>
  );
}

function Coverage({ model, trans }: IFindingsProps): JSX.Element {
  const { tokens, samples, coverage } = model.state.found;
  return (
    <p className="moe-RoutingView-coverage">
      {[
        trans._n('%1 token', '%1 tokens', tokens),
        trans._n('%1 text', '%1 texts', samples),
        trans._n('%1 layer', '%1 layers', coverage.routers),
        coverage.routersWithWeights === 0
          ? trans.__(
              "the experts' weights were not looked at: model.diagnose() does"
            )
          : trans.__(
              "the experts' weights of %1 of them",
              coverage.routersWithWeights
            )
      ].join(' · ')}
    </p>
  );
}
