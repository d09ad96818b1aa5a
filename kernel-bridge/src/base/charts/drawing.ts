/** Converts any drawing of measures to a chart. */
import type { Drawing } from '../protocol';
import type { DrawingLook } from './drawing-look';
import { loadIntervalsSpec } from './load-intervals';
import { matrixHeatmapSpec } from './matrix-heatmap';
import type { VegaLiteSpec } from './spec';

export function drawingSpec(
  drawing: Drawing,
  look?: DrawingLook
): VegaLiteSpec {
  return drawing.kind === 'intervals'
    ? loadIntervalsSpec(drawing, look)
    : matrixHeatmapSpec(drawing, look);
}
