/** What a drawing takes from the place that shows it. */
export interface DrawingLook {
  /** Default Vega-Lite 6. */
  schema?: string;
  /** Pixels that axes and legend have to fit into too; default as wide as the drawing needs. */
  width?: number;
  /** Of values from zero. */
  colors?: { scheme: string; reverse: boolean };
}

/** A fitted drawing stands under words of its own. */
export function heading(
  { title, subtitle }: { title: string; subtitle: string },
  fitted: number | undefined
): Record<string, unknown> {
  return fitted === undefined
    ? { title: { text: title, subtitle, anchor: 'start' } }
    : { autosize: { type: 'fit-x', contains: 'padding' } };
}
