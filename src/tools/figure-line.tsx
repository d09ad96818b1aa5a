interface IFigureLineProps {
  /** Pairs of value and name. */
  figures: readonly (readonly [string, string])[];
}

/** Figures in a row, with their labels. */
export function FigureLine({ figures }: IFigureLineProps): JSX.Element {
  return (
    <p className="moe-SweepExpert-figures">
      {figures.map(([label, figure]) => (
        <span key={label}>
          <small>{label}</small> {figure}
        </span>
      ))}
    </p>
  );
}
