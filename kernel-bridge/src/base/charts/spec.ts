/** The shape of the specifications that this folder builds. */

/** A Vega-Lite document. Vega-Lite's own type is large, and cells that import this package would load it. */
export interface VegaLiteSpec {
  $schema: string;
  [property: string]: unknown;
}

/** JupyterLab 4.6 and nbconvert know version 5 only. */
export const VEGA_LITE_5 = 'https://vega.github.io/schema/vega-lite/v5.json';
/** What our own views run on. */
export const VEGA_LITE_6 = 'https://vega.github.io/schema/vega-lite/v6.json';
