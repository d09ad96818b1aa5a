import type { ReactNode } from 'react';

interface IColorScaleProps {
  from: string;
  to: string;
  /** Two hues, with zero in the middle. */
  isSigned?: boolean;
  /** Shown in front of the scale. */
  children?: ReactNode;
}

/** The legend of the colours of a grid or of tokens. */
export function ColorScale(props: IColorScaleProps): JSX.Element {
  return (
    <span className="moe-ExpertLine-scale">
      {props.children}
      <span>{props.from}</span>
      <span
        className={`moe-ExpertLine-ramp${props.isSigned ? ' moe-mod-signed' : ''}`}
      />
      <span>{props.to}</span>
    </span>
  );
}
