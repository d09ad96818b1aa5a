/** A circuit over a task as a self-contained HTML page. */
import {
  circuitDrawing,
  type CircuitDrawingOptions
} from '../../../base/charts';
import {
  describeTaskFigures,
  type TaskCircuitDocument,
  type TaskPair
} from '../../../base/protocol';
import { drawnGraphSvg } from '../../../show/page/drawn-graph-svg';
import { escapeHtml } from '../../../show/page/escape-html';
import { reportPage, table, type ReportSection } from '../../../show/page/page';
import type { ResultTable } from '../../../show/result-table';
import { taskTables } from './task-tables';

/** Drawings with more edges are illegible. */
const MAX_PICTURE_EDGES = 300;
/** Maximum number of rows per table. */
const MAX_ROWS = 500;
/** Long prompts are cut. */
const MAX_LENGTH = 300;

export function taskPage(
  data: TaskCircuitDocument,
  options: CircuitDrawingOptions = {}
): string {
  const tables = taskTables(data, options.threshold);
  const drawing = circuitDrawing(data, {
    maxEdges: MAX_PICTURE_EDGES,
    ...options
  });
  return reportPage(
    `Circuit of ${data.model}`,
    [data.target, ...describeTaskFigures(data)].join('. '),
    [
      {
        id: 'circuit',
        title: 'Circuit',
        html: `<p class="key">${escapeHtml(drawing.title)}. Blue raises the target, red lowers it; wider is stronger.</p><figure class="scroll graph">${drawnGraphSvg(drawing)}</figure>`
      },
      ...Object.entries(tables)
        .filter(([, { rows }]) => rows.length > 0)
        .map(([id, own]) => section(id, own as ResultTable)),
      {
        id: 'pairs',
        title: 'Pairs',
        html: table(
          ['clean', 'corrupted', 'target, clean', 'target, corrupted', ''],
          [
            ...data.pairs.map(pair => pairRow(pair, 'found from')),
            ...data.heldOut.map(pair => pairRow(pair, 'held out'))
          ].slice(0, MAX_ROWS),
          'words'
        )
      },
      ...(data.notes.length === 0
        ? []
        : [
            {
              id: 'notes',
              title: 'Notes',
              html: data.notes
                .map(note => `<p>${escapeHtml(note)}</p>`)
                .join('')
            }
          ])
    ]
  );
}

function section(
  id: string,
  { title, columns, rows }: ResultTable
): ReportSection {
  return {
    id,
    title,
    html: table(
      columns,
      rows
        .slice(0, MAX_ROWS)
        .map(row =>
          row.map(cell =>
            typeof cell === 'number' && !Number.isInteger(cell)
              ? cell.toPrecision(4)
              : String(cell ?? '')
          )
        )
    )
  };
}

function pairRow(
  { clean, corrupted, values }: TaskPair,
  use: string
): string[] {
  const text = (tokens: TaskPair['corrupted']): string =>
    typeof tokens === 'string'
      ? `embeddings: ${tokens}`
      : tokens
          .map(({ id, text: own }) => own ?? `${id} `)
          .join('')
          .slice(0, MAX_LENGTH);
  return [
    text(clean),
    text(corrupted),
    values.clean.toPrecision(4),
    values.corrupted.toPrecision(4),
    use
  ];
}
