/** The token × expert heatmap: one image, with a strip of the whole sample above and the loads beside it. */
export { heatmapLook, type IHeatmapLook } from './colors';
export { Heatmap } from './heatmap';
export { HeatmapTools } from './tools';
export { Viewport } from './viewport';
