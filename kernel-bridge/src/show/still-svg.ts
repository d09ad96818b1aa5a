/** Static charts: SVG drawn in Node, for GitHub, nbconvert and mail. */
import {
  descriptionOf,
  routingStillSpec,
  type VegaLiteSpec
} from '../base/charts';
import type { RoutingSample } from '../base/protocol';
import { escapeHtml } from './page/escape-html';

/** SVG of one layer of a sample. */
export function stillSvg(
  sample: RoutingSample,
  layerIndex: number,
  model: string
): Promise<string> {
  return specSvg(routingStillSpec(sample, layerIndex, { model }));
}

/** SVG of a specification, with its description for screen readers. Vega is loaded with the first chart, so that programs that only trace do not load it. */
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
    return withDescription(await view.toSVG(), descriptionOf(spec));
  } finally {
    view.finalize();
  }
}

/** Vega writes no role and no label on the picture as a whole. */
function withDescription(svg: string, description: string): string {
  const label = description === '' ? 'chart' : description;
  return svg.replace(
    '<svg ',
    () => `<svg role="img" aria-label="${escapeHtml(label)}" `
  );
}
