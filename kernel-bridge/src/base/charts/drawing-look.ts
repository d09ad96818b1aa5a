/** Properties of a chart that depend on where it is shown. */
export interface DrawingLook {
  /** Default Vega-Lite 6. */
  schema?: string;
  /** Width in pixels, including axes and legend. Default: as wide as the chart needs. */
  width?: number;
  /** Colours of values from zero. */
  colors?: { scheme: string; reverse: boolean };
}

/** Title of a chart; a chart fitted into a width has its title outside. */
export function heading(
  { title, subtitle }: { title: string; subtitle: string },
  fitted: number | undefined
): Record<string, unknown> {
  return fitted === undefined
    ? { title: { text: title, subtitle, anchor: 'start' } }
    : { autosize: { type: 'fit-x', contains: 'padding' } };
}
