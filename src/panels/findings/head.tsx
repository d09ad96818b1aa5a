import type { ITranslation } from '../../translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { KernelFollower, TraceQuestion } from '../../kernel';

interface IHeadProps {
  follower: KernelFollower | null;
  findings: TraceQuestion<'findings'> | undefined;
  trans: ITranslation;
}

/** The selected trace with its button, or advice if there is none. Drawn again at `update`. */
export class FindingsHead extends ReactWidget {
  constructor(private _props: () => IHeadProps) {
    super();
  }

  protected override render(): JSX.Element {
    return <Head {...this._props()} />;
  }
}

function Head(props: IHeadProps): JSX.Element {
  const { follower, findings, trans } = props;
  const trace = follower?.selectedTrace;
  const advice = trace ? '' : adviceText(props);
  const isOld =
    follower?.status === 'ready' && !follower.has('findings')
      ? trans.__(
          'The kernel is older than this panel and cannot diagnose. Update moe-debugger and restart the kernel.'
        )
      : '';
  const shown = findings?.result?.trace;
  return (
    <>
      {trace && (
        <div className="moe-FindingsHead">
          <span className="moe-List-name" title={trace.label}>
            {trace.label}
          </span>
          <button
            className="moe-Button"
            disabled={findings?.isRunning || isOld !== ''}
            onClick={() => findings?.ask(trace, { type: 'diagnose' })}
          >
            {findings?.isRunning
              ? trans.__('Diagnosing…')
              : trans.__('Diagnose')}
          </button>
        </div>
      )}
      {findings?.error !== undefined && (
        <p className="moe-Refusal" role="alert">
          {findings.error}
        </p>
      )}
      {isOld || advice ? (
        <p className="moe-Message">{isOld || advice}</p>
      ) : !shown && trace && !findings?.isRunning ? (
        <p className="moe-Message">
          {trans.__(
            'Press Diagnose: dead, overloaded, collapsed and specialised experts of this trace are listed here, with the tokens that show it.'
          )}
        </p>
      ) : null}
      {shown && shown.id !== trace?.id && (
        <p className="moe-Message" role="note">
          {trans.__('Below are the findings of another trace: %1', shown.label)}
        </p>
      )}
    </>
  );
}

function adviceText({ follower, trans }: IHeadProps): string {
  return follower?.isOurs
    ? trans.__(
        'Trace some texts in a cell, as in: await model.trace([...]). Findings about their routing can then be listed here.'
      )
    : trans.__(
        'Findings about the routing of a trace of the active notebook are listed here.'
      );
}
