interface IFigureLineProps {
  /** Each with its name. */
  figures: readonly (readonly [string, string])[];
}

/** Figures beside each other, with what they are. */
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
