import type { ColorScheme } from '../tokens';

/** JupyterLab's theme variables that charts use. */
export interface IChartTheme {
  config: Record<string, unknown>;
  scheme: string;
  /** Reverses the scheme. */
  reverse: boolean;
}

/** Reads the computed theme variables of an attached element. */
export function chartTheme(
  element: Element,
  scheme: ColorScheme,
  isLight: boolean
): IChartTheme {
  const style = getComputedStyle(element);
  const variable = (name: string) => style.getPropertyValue(name).trim();
  const text = variable('--jp-ui-font-color1');
  const faint = variable('--jp-ui-font-color2');
  const font = variable('--jp-ui-font-family') || 'sans-serif';
  return {
    ...colors(scheme, isLight),
    config: {
      background: 'transparent',
      padding: 2,
      font,
      axis: {
        labelColor: text,
        titleColor: faint,
        tickColor: faint,
        labelFont: font,
        titleFont: font,
        labelFontSize: 10,
        titleFontSize: 11,
        titleFontWeight: 'normal',
        titlePadding: 6,
        labelPadding: 3,
        ticks: false,
        domain: false
      },
      legend: {
        labelColor: text,
        titleColor: faint,
        labelFont: font,
        titleFont: font,
        labelFontSize: 10,
        titleFontSize: 11,
        titleFontWeight: 'normal',
        offset: 8
      },
      view: {
        // On a dark background the low end of the scheme is the darker one.
        fill: variable(isLight ? '--jp-layout-color2' : '--jp-layout-color1'),
        stroke: null
      }
    }
  };
}

/** In each theme the largest value contrasts most with the background. */
function colors(
  scheme: ColorScheme,
  isLight: boolean
): { scheme: string; reverse: boolean } {
  switch (scheme) {
    case 'auto':
      return { scheme: isLight ? 'tealblues' : 'viridis', reverse: false };
    case 'blues':
      return isLight
        ? { scheme: 'blues', reverse: false }
        : { scheme: 'darkblue', reverse: false };
    default:
      return { scheme, reverse: isLight };
  }
}
