/** A self-contained HTML page: no network, no scripts, light and dark. */
import { printable, printableLine } from '../../base/printable';
import { escapeHtml } from './escape-html';

export interface ReportSection {
  /** Id of the heading, for links into the page. */
  id: string;
  title: string;
  /** Markup; all text in it must be escaped. */
  html: string;
}

const STYLE = `
:root { color-scheme: light dark; --back: #fff; --text: #1f2328; --dim: #59636e; --line: #d1d9e0; --load: #0b6e99; --none: #d1242f; --warn: #9a6700; }
@media (prefers-color-scheme: dark) {
  :root { --back: #0d1117; --text: #e6edf3; --dim: #9198a1; --line: #3d444d; --load: #58c4f0; --none: #f85149; --warn: #d29922; }
}
body { background: var(--back); color: var(--text); font: 14px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; overflow-wrap: anywhere; }
h2 { border-bottom: 1px solid var(--line); font-size: 1.15rem; margin-top: 2rem; }
p.about, p.key { color: var(--dim); margin-top: 0.25rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: 0.2rem 0.6rem; text-align: right; white-space: nowrap; }
th:first-child, td:first-child, .words th, .words td { text-align: left; }
.words td { overflow-wrap: anywhere; white-space: normal; }
svg { height: auto; max-width: 100%; }
svg.map text { fill: var(--dim); font-size: 9px; }
svg.map .load { fill: var(--load); }
svg.map .none { fill: var(--none); }
svg.map .unused { fill: none; stroke: var(--line); }
span.none { color: var(--none); }
span.unused { border: 1px solid var(--line); padding: 0 2px; }
summary { cursor: pointer; overflow-wrap: anywhere; }
.finding { border-left: 3px solid var(--line); margin: 0.25rem 0; padding: 0 0.6rem; }
.finding p { margin: 0.25rem 0; overflow-wrap: anywhere; }
.finding.error { border-color: var(--none); }
.finding.warning { border-color: var(--warn); }
figure { background: #fff; margin: 1rem 0; padding: 0.5rem; }
figure.graph { background: none; padding: 0; }
/* Charts hold their own light colours: lightness is turned round and hues are kept, so that they do not glare. */
@media (prefers-color-scheme: dark) {
  figure { background: none; padding: 0; }
  figure:not(.graph) > svg { filter: invert(0.93) hue-rotate(180deg); }
}
`;

/** What a file says is escaped here, in charts too: HTML knows no control characters, and a pager would obey them. */
export function reportPage(
  title: string,
  about: string,
  sections: readonly ReportSection[]
): string {
  // Names of models are untrusted: a line break or a change of direction would say something else.
  const line = escapeHtml(printableLine(title));
  const page = [
    '<!DOCTYPE html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    // Defence in depth: unescaped text could neither run nor load anything.
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${line}</title>`,
    `<style>${STYLE}</style>`,
    '</head>',
    '<body>',
    `<h1>${line}</h1>`,
    `<p class="about">${escapeHtml(about)}</p>`,
    ...sections.map(
      ({ id, title: heading, html }) =>
        `<section id="${escapeHtml(id)}"><h2>${escapeHtml(heading)}</h2>${html}</section>`
    ),
    '</body>',
    '</html>',
    ''
  ].join('\n');
  return printable(page);
}

/** A table; the first column names the row. Cells are escaped. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  cellsAre: 'numbers' | 'words' = 'numbers'
): string {
  const line = (tag: string, row: readonly string[]): string =>
    `<tr>${row.map(cell => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`;
  return [
    `<div class="scroll"><table class="${cellsAre}">`,
    head.length > 0 ? `<thead>${line('th', head)}</thead>` : '',
    `<tbody>${rows.map(row => line('td', row)).join('')}</tbody>`,
    '</table></div>'
  ].join('');
}
