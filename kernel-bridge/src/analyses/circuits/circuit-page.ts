/** A circuit as a self-contained HTML page. */
import { circuitDrawing, type CircuitDrawingOptions } from '../../base/charts';
import {
  describeCircuitFigures,
  describeCircuitTarget,
  pruneCircuit,
  type CircuitDocument
} from '../../base/protocol';
import { drawnGraphSvg } from '../../show/page/drawn-graph-svg';
import { escapeHtml } from '../../show/page/escape-html';
import { reportPage, table, type ReportSection } from '../../show/page/page';

/** Drawings with more edges are illegible. */
const MAX_PICTURE_EDGES = 300;
/** Maximum number of rows per table. */
const MAX_ROWS = 500;

export function circuitPage(
  data: CircuitDocument,
  options: CircuitDrawingOptions = {}
): string {
  const { nodes, edges } = pruneCircuit(
    data,
    options.threshold ?? data.threshold
  );
  const drawing = circuitDrawing(data, {
    maxEdges: MAX_PICTURE_EDGES,
    ...options
  });
  const sections: (ReportSection | undefined)[] = [
    {
      id: 'circuit',
      title: 'Circuit',
      html: `<p class="key">${escapeHtml(drawing.title)}. Blue raises the target, red lowers it; wider is stronger.</p><figure class="scroll graph">${drawnGraphSvg(drawing)}</figure>`
    },
    edges.length === 0
      ? undefined
      : {
          id: 'edges',
          title: `Edges: ${edges.length} of ${data.edges.length + data.edgesLeftOut}`,
          html: table(
            ['from', 'to', 'input', 'effect'],
            edges
              .slice(0, MAX_ROWS)
              .map(({ from, to, input = '', effect }) => [
                from,
                to,
                input,
                number(effect)
              ])
          )
        },
    {
      id: 'nodes',
      title: `Nodes: ${nodes.length} of ${data.nodes.length}`,
      html: table(
        ['node', 'effect, first order', 'effect, measured'],
        nodes
          .slice(0, MAX_ROWS)
          .map(({ id, effect, patched }) => [
            id,
            number(effect),
            number(patched)
          ])
      )
    },
    data.faithfulness
      ? {
          id: 'faithfulness',
          title: `Faithfulness of the strongest ${data.faithfulness.of}`,
          html: table(
            ['size', 'weakest effect', 'target', 'faithfulness', 'random'],
            data.faithfulness.points.map(point => [
              String(point.size),
              number(point.threshold),
              number(point.value),
              number(point.faithfulness),
              point.random
                ? `${number(point.random.mean)} ± ${number(point.random.deviation)}`
                : ''
            ])
          )
        }
      : undefined,
    {
      id: 'prompts',
      title: 'Prompts',
      html: prompts(data)
    },
    data.notes.length === 0
      ? undefined
      : {
          id: 'notes',
          title: 'Notes',
          html: data.notes.map(note => `<p>${escapeHtml(note)}</p>`).join('')
        }
  ];
  return reportPage(
    `Circuit of ${data.model}`,
    [describeCircuitTarget(data.target), ...describeCircuitFigures(data)].join(
      '. '
    ),
    sections.filter(section => section !== undefined)
  );
}

function prompts({ clean, corrupted }: CircuitDocument): string {
  const other = typeof corrupted === 'string' ? undefined : corrupted;
  return table(
    ['token', 'clean', 'corrupted'],
    clean
      .slice(0, MAX_ROWS)
      .map(({ position, id, text }, i) => [
        String(position),
        JSON.stringify(text ?? id),
        other
          ? JSON.stringify(other[i]?.text ?? other[i]?.id ?? null)
          : `embeddings: ${String(corrupted)}`
      ]),
    'words'
  );
}

function number(value: number | null | undefined): string {
  return value === null || value === undefined ? '' : value.toPrecision(4);
}
