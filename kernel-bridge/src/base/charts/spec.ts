/** Types of the specifications in this folder. */

/** A Vega-Lite document. Vega-Lite's own type is large, and notebook cells that import this package would load it. */
export interface VegaLiteSpec {
  $schema: string;
  [property: string]: unknown;
}

/** JupyterLab 4.6 and nbconvert support only version 5. */
export const VEGA_LITE_5 = 'https://vega.github.io/schema/vega-lite/v5.json';
/** The version of our own views. */
export const VEGA_LITE_6 = 'https://vega.github.io/schema/vega-lite/v6.json';
