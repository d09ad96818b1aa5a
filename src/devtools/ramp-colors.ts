/** Colours for canvases, from the CSS variables of the theme. */
export function rampColors(element: Element): {
  /** From low to high. */
  ramp: string[];
  /** Of what is zero. */
  ground: string;
  /** Of what is selected. */
  mark: string;
} {
  const style = getComputedStyle(element);
  const color = (name: string): string => style.getPropertyValue(name).trim();
  return {
    ramp: [0, 1, 2, 3, 4].map(step => color(`--moe-ramp-${step}`)),
    ground: color('--moe-plot'),
    mark: color('--jp-brand-color1')
  };
}
