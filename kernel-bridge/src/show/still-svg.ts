/** A chart as SVG text, drawn in Node: what GitHub, nbconvert and mail show. */
import { routingStillSpec, type VegaLiteSpec } from '../base/charts';
import type { RoutingSample } from '../base/protocol';

/** SVG of one layer of a sample. */
export function stillSvg(
  sample: RoutingSample,
  layerIndex: number,
  model: string
): Promise<string> {
  return specSvg(routingStillSpec(sample, layerIndex, { model }));
}

/** SVG of a specification. Vega is loaded at the first picture: a program that only traces never pays for it. */
export async function specSvg(spec: VegaLiteSpec): Promise<string> {
  const [vega, vegaLite] = await Promise.all([
    import('vega'),
    import('vega-lite')
  ]);
  const { spec: compiled } = vegaLite.compile(
    spec as unknown as Parameters<typeof vegaLite.compile>[0]
  );
  const view = new vega.View(vega.parse(compiled), {
    renderer: 'none',
    logLevel: vega.Error
  });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
