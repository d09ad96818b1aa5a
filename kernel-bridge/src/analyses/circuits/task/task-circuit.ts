/** Result of a circuit search over a task. */
import { printableLine } from '../../../base/printable';
import {
  circuitDot,
  circuitDrawing,
  circuitMermaid,
  type CircuitDrawingOptions
} from '../../../base/charts';
import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../../../base/kernel-api';
import {
  describeTaskCircuit,
  describeTaskFigures,
  pruneCircuit,
  type CircuitEdge,
  type CircuitNode,
  type TaskCircuitDocument,
  type TaskCurve,
  type TaskDirection
} from '../../../base/protocol';
import { drawnGraphSvg } from '../../../show/page/drawn-graph-svg';
import { drawnBundle } from '../../../show/result-table';
import { resultForms, saveResult } from '../../../show/save-result';
import type { SteeringVectors } from '../../steering/steering-vectors';
import { taskPage } from './task-page';
import { taskTables } from './task-tables';

/** Drawings with more edges are illegible. */
const SHOWN_EDGES = 80;

export class TaskCircuit implements Displayable {
  /** All that were considered. */
  readonly nodes: readonly CircuitNode[];
  /** All that were considered, strongest first. */
  readonly edges: readonly CircuitEdge[];
  /** CPR and CMD, and the faithfulness that they come from. */
  readonly curve: TaskCurve | undefined;
  /** What the direction of each layer does on held-out pairs. */
  readonly directions: readonly TaskDirection[];

  /** @param vectors the directions themselves, for `model.with({ steer })`; undefined where none were extracted */
  constructor(
    readonly data: TaskCircuitDocument,
    readonly vectors?: SteeringVectors
  ) {
    this.nodes = data.nodes;
    this.edges = data.edges;
    this.curve = data.curve;
    this.directions = data.directions ?? [];
  }

  /** Keeps edges of at least an absolute effect, and their nodes; in a circuit without edges, nodes. */
  prune(threshold: number): TaskCircuit {
    return new TaskCircuit(
      { ...this.data, ...pruneCircuit(this.data, threshold), threshold },
      this.vectors
    );
  }

  /** The document that `moe-debugger circuit --pairs FILE --json` prints. */
  toJSON(): TaskCircuitDocument {
    return this.data;
  }

  /** As Graphviz DOT. */
  toDOT(options?: CircuitDrawingOptions): string {
    return circuitDot(this.data, options);
  }

  /** As Mermaid. By default with the 80 strongest edges. */
  toMermaid(options?: CircuitDrawingOptions): string {
    return circuitMermaid(this.data, options);
  }

  /** As a self-contained HTML page without scripts. */
  toHTML(options?: CircuitDrawingOptions): string {
    return taskPage(this.data, options);
  }

  /**
   * Writes it to a file atomically: .json, .dot, .mmd or .html.
   * @throws MoEDebuggerError 'input' for another extension, 'environment' when the file cannot be written
   */
  save(file: string): Promise<void> {
    return saveResult(file, {
      ...resultForms(this),
      '.dot': () => this.toDOT(),
      '.mmd': () => this.toMermaid(),
      '.html': () => this.toHTML()
    });
  }

  /** The target, the measurements, and one line per edge. */
  toString(): string {
    return describeTaskCircuit(this.data);
  }

  [MIMEBUNDLE](): JsonObject {
    const { edges, nodes, curve, directions } = taskTables(this.data);
    const { model, target, notes } = this.data;
    const units = edges.rows.length > 0 ? edges : nodes;
    return {
      ...drawnBundle(
        drawnGraphSvg(circuitDrawing(this.data, { maxEdges: SHOWN_EDGES })),
        [
          {
            ...units,
            title: [
              `Circuit of ${printableLine(model)}`,
              target,
              ...describeTaskFigures(this.data)
            ].join('. '),
            notes
          },
          ...[curve, directions].filter(({ rows }) => rows.length > 0)
        ],
        this.toString()
      ),
      'text/markdown': `\`\`\`mermaid\n${this.toMermaid()}\`\`\`\n`
    };
  }
}
