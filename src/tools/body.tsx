import type { Refusal, ToolState } from 'moe-debugger/protocol';
import type { ReactNode } from 'react';
import type { ToolModel } from './model';

/** How far a tool's work is. */
export interface IProgress {
  /** What is counted. */
  label: string;
  done: number;
  /** 0 while nothing is counted. */
  total: number;
  /** Beside the bar. */
  text?: string;
}

interface IToolBodyProps {
  model: ToolModel<ToolState & { refusal: Refusal | null }, object>;
  /** What is asked, with the button that starts the work or cancels it. */
  form: ReactNode;
  /** Shown while the kernel works. */
  progress: IProgress;
  /** What to do, or what is being done, where there is no result. */
  empty: string;
  /** The result, if there is one. */
  children: ReactNode;
}

/** A tool that is asked something and answers: a form, how far the answer is, why there is none, and the answer. */
export function ToolBody(props: IToolBodyProps): JSX.Element {
  const { model, form, progress, empty, children } = props;
  return (
    <>
      {form}
      {model.isRunning && <Progress {...progress} />}
      <RefusalLine refusal={model.state.refusal} />
      {children || (empty && <p className="moe-Message">{empty}</p>)}
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

/** The kernel's words about what it did not do, where they are not about one layer. */
export function RefusalLine(props: {
  refusal: Refusal | null;
}): JSX.Element | null {
  return props.refusal?.row === null ? (
    <p className="moe-Refusal" role="alert">
      {props.refusal.text}
    </p>
  ) : null;
}
