import { useEffect } from 'react';
import { useSignal } from '../../drawing';
import type { IViewProps } from '../context';
import { EmptyView } from '../empty-view';
import { Checks } from './checks';
import { Loads } from './loads';
import { NextSteps } from './next-steps';
import { sizeText } from '../words';
import { verdictOf, verdictText } from './verdict';

/** Larger traces are diagnosed when the user asks for it: a kernel that counts answers nothing else. */
const MOST_TOKENS = 100_000;

/** What a trace says at a glance: verdict, what was looked for, loads by kind of text, and what to look at next. */
export function Overview({ context, isShown = true }: IViewProps): JSX.Element {
  const { source, selection, trans } = context;
  useSignal(source.changed);
  useSignal(selection.changed);
  const { trace, outline, findings, isReading, isLive } = source;
  const isFinished = trace !== undefined && !trace.running;
  const isSmall = (outline?.tokens ?? Infinity) <= MOST_TOKENS;
  const isWanted =
    isShown &&
    isFinished &&
    isLive &&
    isSmall &&
    !findings &&
    source.error === undefined;
  useEffect(() => {
    if (isWanted) {
      source.diagnose();
    }
  }, [source, trace?.id, isWanted]);
  if (!outline) {
    return <EmptyView context={context} />;
  }
  const experts = outline.routers.reduce((sum, own) => sum + own.experts, 0);
  return (
    <div className="moe-Overview" tabIndex={0}>
      <h2 className="moe-Overview-verdict">
        {findings
          ? verdictText(verdictOf(findings.found), experts, trans)
          : trans._n(
              '%1 expert in %2 MoE layers',
              '%1 experts in %2 MoE layers',
              experts,
              outline.routers.length
            )}
      </h2>
      <p className="moe-Overview-base">
        {[
          sizeText(
            outline.tokens,
            outline.samples.length + outline.samplesOmitted,
            trans
          ),
          ...(outline.domains.length > 1
            ? [
                trans._n(
                  '%1 domain of text',
                  '%1 domains of text',
                  outline.domains.length
                )
              ]
            : []),
          ...(trace?.running ? [trans.__('being written: not judged yet')] : [])
        ].join(', ')}
      </p>
      {findings ? (
        <Checks checks={findings.found.checks} trans={trans} />
      ) : (
        isFinished &&
        isLive && (
          <p className="moe-Overview-checks">
            {isReading ? (
              trans.__('Diagnosing…')
            ) : (
              <button className="moe-Button" onClick={() => source.diagnose()}>
                {trans._n(
                  'Diagnose %1 token',
                  'Diagnose %1 tokens',
                  outline.tokens
                )}
              </button>
            )}
          </p>
        )
      )}
      <Loads context={context} outline={outline} />
      {findings && <NextSteps context={context} found={findings.found} />}
    </div>
  );
}
