/** A counterfactual as one file of HTML. */
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

/** A picture of more is a blot, and a longer table is not read. */
const MOST_EDGES = 80;
const MOST_ROWS = 500;

/** Without scripts, and loads nothing. @param sample whose tokens the graph's positions are of */
export function counterfactualPage(
  {
    model,
    edits,
    graph
  }: Pick<CounterfactualDocument, 'model' | 'edits' | 'graph'>,
  sample: RoutingSample,
  difference: string,
  { maxEdges = MOST_EDGES }: DrawingOptions = {}
): string {
  const drawn = drawCausalGraph(graph, sample, maxEdges);
  const edges = drawnEdges(graph);
  return reportPage(
    `Counterfactual of ${model}`,
    edits.map(editText).join('; '),
    [
      {
        id: 'graph',
        title: 'By which experts it went',
        html: `<p class="key">${escapeHtml(drawn.title)}</p><figure class="scroll graph">${drawnGraphSvg(drawn)}</figure>`
      },
      {
        id: 'effects',
        title: `Effects: ${edges.length}`,
        html: table(
          ['from', 'to', 'effect', 'of'],
          edges
            .slice(0, MOST_ROWS)
            .map(edge => [edge.from, edge.to, edgeText(edge), edge.effect])
        )
      },
      {
        id: 'difference',
        title: 'How the two runs differ',
        html: `<pre class="scroll">${escapeHtml(difference)}</pre>`
      }
    ]
  );
}
