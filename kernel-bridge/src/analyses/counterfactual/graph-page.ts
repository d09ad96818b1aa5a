/** A counterfactual as a self-contained HTML page. */
import { editText } from '../../run/edits/edit-text';
import { drawnGraphSvg } from '../../show/page/drawn-graph-svg';
import { escapeHtml } from '../../show/page/escape-html';
import { reportPage, table } from '../../show/page/page';
import type { RoutingSample } from '../../base/protocol';
import type { CounterfactualDocument } from './document';
import {
  drawCausalGraph,
  drawnEdges,
  edgeText,
  type DrawingOptions
} from './graph-drawing';

/** Drawings and tables with more are illegible. */
const MAX_EDGES = 80;
const MAX_ROWS = 500;

/** A page without scripts that loads nothing. @param sample whose tokens the positions refer to */
export function counterfactualPage(
  {
    model,
    edits,
    graph
  }: Pick<CounterfactualDocument, 'model' | 'edits' | 'graph'>,
  sample: RoutingSample,
  difference: string,
  { maxEdges = MAX_EDGES }: DrawingOptions = {}
): string {
  const drawn = drawCausalGraph(graph, sample, maxEdges);
  const edges = drawnEdges(graph);
  return reportPage(
    `Counterfactual of ${model}`,
    edits.map(editText).join('; '),
    [
      {
        id: 'graph',
        title: 'Causal graph',
        html: `<p class="key">${escapeHtml(drawn.title)}</p><figure class="scroll graph">${drawnGraphSvg(drawn)}</figure>`
      },
      {
        id: 'effects',
        title: `Effects: ${edges.length}`,
        html: table(
          ['from', 'to', 'effect', 'of'],
          edges
            .slice(0, MAX_ROWS)
            .map(edge => [edge.from, edge.to, edgeText(edge), edge.effect])
        )
      },
      {
        id: 'difference',
        title: 'Differences between the runs',
        html: `<pre class="scroll">${escapeHtml(difference)}</pre>`
      }
    ]
  );
}
