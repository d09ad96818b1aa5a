/** Chart of the load of all layers: one row per layer, one column per expert, darker for more tokens. */
import type { LayerMetrics } from '../../measures';
import { layerName, type Finding } from '../../base/protocol';
import { escapeHtml } from '../../show/page/escape-html';

/** Steps of the colour scale: cells of one step share a path, which keeps a page of many layers small. */
const STEPS = 10;
const WIDTH = 720;
const LABELS = 110;
const MAX_ROW_HEIGHT = 18;

/**
 * SVG in the colours of the page, light and dark.
 * @param findings experts that these call dead are marked: that an expert was not selected proves nothing by itself
 */
export function loadMap(
  layers: readonly LayerMetrics[],
  findings: readonly Finding[]
): string {
  const dead = new Set(
    findings
      .filter(({ kind }) => kind === 'dead-expert')
      .flatMap(found =>
        found.experts.map(expert => `${layerName(found)}:${expert}`)
      )
  );
  const experts = Math.max(1, ...layers.map(layer => layer.experts));
  const cell = Math.max(
    2,
    Math.min(MAX_ROW_HEIGHT, Math.floor(WIDTH / experts))
  );
  const row = Math.max(10, cell);
  const peak = Math.max(
    ...layers.map(({ tokenRate }) => Math.max(...tokenRate))
  );
  const paths = Array.from({ length: STEPS + 1 }, () => '');
  let marked = '';
  layers.forEach((layer, y) =>
    layer.tokenRate.forEach((rate, x) => {
      const step = rate > 0 ? Math.max(1, Math.ceil((STEPS * rate) / peak)) : 0;
      const square = `M${LABELS + x * cell} ${y * row}h${cell}v${row}h-${cell}z`;
      if (dead.has(`${layerName(layer)}:${x}`)) {
        marked += square;
      } else {
        paths[step] += square;
      }
    })
  );
  const height = layers.length * row;
  return [
    `<svg class="map" role="img" aria-label="Token rate of each expert by layer" viewBox="0 0 ${LABELS + experts * cell} ${height + 16}" width="${LABELS + experts * cell}">`,
    ...paths.map((path, step) =>
      path === ''
        ? ''
        : step === 0
          ? `<path class="unused" d="${path}"/>`
          : `<path class="load" fill-opacity="${step / STEPS}" d="${path}"/>`
    ),
    marked === '' ? '' : `<path class="none" d="${marked}"/>`,
    ...layers.map(
      (layer, y) =>
        `<text x="${LABELS - 6}" y="${y * row + row / 2 + 3}" text-anchor="end">${escapeHtml(layerName(layer))}</text>`
    ),
    `<text x="${LABELS}" y="${height + 13}">expert 0</text>`,
    `<text x="${LABELS + experts * cell}" y="${height + 13}" text-anchor="end">${experts - 1}</text>`,
    '</svg>',
    `<p class="key">Token rate (share of tokens that select an expert; sums to k per layer): strongest colour ${percent(peak)}; <span class="unused">outlined</span>: not selected by these tokens; <span class="none">red</span>: dead, as a finding says.</p>`
  ].join('');
}

export function percent(rate: number): string {
  return Number.isFinite(rate) ? `${(100 * rate).toPrecision(3)} %` : '–';
}
