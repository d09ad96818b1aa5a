import { interpolateRgb, piecewise } from 'd3-interpolate';
import {
  interpolateBlues,
  interpolateCividis,
  interpolateMagma,
  interpolateViridis
} from 'd3-scale-chromatic';
import type { ColorScheme } from '../../tokens';
import { readPalette, type Palette } from './paint';

/** Colours and fonts of a heatmap: those of the page's theme. */
export interface IHeatmapLook {
  palette: Palette;
  /** The same colours for legends, as a CSS gradient. */
  gradient: string;
  text: string;
  faint: string;
  rule: string;
  /** Of cells without a value. */
  ground: string;
  bar: string;
  /** Of the page. */
  background: string;
  selected: string;
  hit: string;
  font: string;
  codeFont: string;
}

const RAMP_STEPS = [0, 1, 2, 3, 4];
const INTERPOLATORS = {
  viridis: interpolateViridis,
  magma: interpolateMagma,
  cividis: interpolateCividis,
  blues: interpolateBlues
};

/** Reads the theme's variables at an attached element. */
export function heatmapLook(
  element: Element,
  scheme: ColorScheme,
  isLight: boolean
): IHeatmapLook {
  const style = getComputedStyle(element);
  const variable = (name: string, otherwise: string): string =>
    style.getPropertyValue(name).trim() || otherwise;
  const color = scheme === 'auto' ? ramp(style) : named(scheme, isLight);
  return {
    palette: readPalette(color),
    gradient: `linear-gradient(to right, ${RAMP_STEPS.map(step => color(step / 4)).join(', ')})`,
    text: variable('--jp-ui-font-color1', '#222'),
    faint: variable('--jp-ui-font-color2', '#666'),
    rule: variable('--jp-border-color1', '#bbb'),
    ground: variable('--moe-plot', 'transparent'),
    bar: variable('--moe-bar', '#888'),
    background: variable('--jp-layout-color1', '#fff'),
    selected: variable('--jp-brand-color1', '#1976d2'),
    hit: variable('--jp-warn-color0', '#b35900'),
    font: variable('--jp-ui-font-family', 'sans-serif'),
    codeFont: variable('--jp-code-font-family', 'monospace')
  };
}

function ramp(style: CSSStyleDeclaration): (share: number) => string {
  const colors = RAMP_STEPS.map(step =>
    style.getPropertyValue(`--moe-ramp-${step}`).trim()
  ).filter(Boolean);
  return colors.length > 1
    ? piecewise(interpolateRgb, colors)
    : interpolateBlues;
}

/** In each theme the largest value contrasts most with the ground. */
function named(
  scheme: Exclude<ColorScheme, 'auto'>,
  isLight: boolean
): (share: number) => string {
  const color = INTERPOLATORS[scheme];
  // Blues run from light to dark, the others from dark to light.
  const isReversed = (scheme === 'blues') !== isLight;
  return share => color(isReversed ? 1 - share : share);
}
