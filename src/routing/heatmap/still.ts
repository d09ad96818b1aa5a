import type { IHeatmapLook } from './colors';
import type { ILayout } from './layout';
import { LOG_FLOOR } from './paint';
import type { Viewport } from './viewport';

const MARGIN = 10;
const TITLE = 26;
const LEGEND = 26;
const RAMP = 96;
const MAX_TITLE = 120;

/** A picture of a heatmap that says by itself what it shows. */
export function stillOf(
  picture: HTMLCanvasElement,
  layout: ILayout,
  look: IHeatmapLook,
  { model, isLog }: Viewport,
  { title, measure }: { title: string; measure: string }
): HTMLCanvasElement | undefined {
  const scale = window.devicePixelRatio || 1;
  const width = layout.width + 2 * MARGIN;
  const height = TITLE + layout.height + LEGEND;
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext('2d');
  if (!context) {
    return undefined;
  }
  context.scale(scale, scale);
  context.fillStyle = look.background;
  context.fillRect(0, 0, width, height);
  context.textBaseline = 'middle';
  context.fillStyle = look.text;
  context.font = `600 13px ${look.font}`;
  context.fillText(title.slice(0, MAX_TITLE), MARGIN, TITLE / 2);
  context.drawImage(picture, MARGIN, TITLE, layout.width, layout.height);
  const y = TITLE + layout.height + LEGEND / 2;
  const low =
    isLog && model.measure === 'probability' ? model.ceiling * LOG_FLOOR : 0;
  context.font = `11px ${look.font}`;
  context.fillStyle = look.faint;
  const label = `${measure} ${low}`;
  context.fillText(label, MARGIN, y);
  const left = MARGIN + context.measureText(label).width + 6;
  // The palette's pixels are the colours of the cells.
  const ramp = new ImageData(look.palette.length, 1);
  new Uint32Array(ramp.data.buffer).set(look.palette);
  const strip = document.createElement('canvas');
  strip.width = look.palette.length;
  strip.height = 1;
  strip.getContext('2d')?.putImageData(ramp, 0, 0);
  context.drawImage(strip, left, y - 5, RAMP, 10);
  context.fillText(String(model.ceiling), left + RAMP + 6, y);
  return canvas;
}
