import type { Refusal, ToolState } from 'moe-debugger/protocol';
import type { ReactNode } from 'react';
import type { ToolModel } from './model';

/** Progress of a tool's task. */
export interface IProgress {
  /** What is counted. */
  label: string;
  done: number;
  /** 0 if unknown. */
  total: number;
  /** Shown beside the bar. */
  text?: string;
}

interface IToolBodyProps {
  model: ToolModel<ToolState & { refusal: Refusal | null }, object>;
  /** Inputs, with the button that starts or cancels the task. */
  form: ReactNode;
  /** Shown while the task runs. */
  progress: IProgress;
  /** Shown if there is no result: advice, or the current task. */
  empty: string;
  /** The result, if there is one. */
  children: ReactNode;
}

/** A tool with a form and a result: the form, the progress, the error and the result. */
export function ToolBody(props: IToolBodyProps): JSX.Element {
  const { model, form, progress, empty, children } = props;
  // What waits makes no progress; the frame says that it waits.
  const says = empty !== '' && !model.isWaiting;
  return (
    <>
      {form}
      {model.isRunning && !model.isWaiting && <Progress {...progress} />}
      <RefusalLine refusal={model.state.refusal} />
      {children || (says && <p className="moe-Message">{empty}</p>)}
    </>
  );
}

function Progress({ label, done, total, text }: IProgress): JSX.Element {
  return (
    <div className="moe-Progress">
      <progress
        aria-label={label}
        value={total > 0 ? done : undefined}
        max={total || 1}
      />
      {text && <small>{text}</small>}
    </div>
  );
}

/** The error message, unless it is about one layer. */
export function RefusalLine(props: {
  refusal: Refusal | null;
}): JSX.Element | null {
  return props.refusal?.row === null ? (
    <p className="moe-Refusal" role="alert">
      {props.refusal.text}
    </p>
  ) : null;
}
