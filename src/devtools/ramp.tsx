/** The legend of the colours of a quantity. */
export function Ramp({
  label,
  low,
  high
}: {
  label: string;
  low: string;
  high: string;
}): JSX.Element {
  return (
    <span className="moe-Ramp">
      {label} {low} <i aria-hidden /> {high}
    </span>
  );
}
