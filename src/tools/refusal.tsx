import type { Refusal } from 'moe-debugger/protocol';

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
