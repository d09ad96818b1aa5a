/** Result of a circuit search, with pruning, patching and drawings. */
import { printableLine } from '../../base/printable';
import { warnDeprecated } from '../../base/deprecation';
import {
  circuitDot,
  circuitDrawing,
  circuitMermaid,
  type CircuitDrawingOptions
} from '../../base/charts';
import { MoEDebuggerError } from '../../base/errors';
import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../../base/kernel-api';
import type { NodeCell } from '../patching/options';
import { patchCells, type PatchedCell } from '../patching/patch-cells';
import type { TwoRuns } from '../patching/two-runs';
import {
  describeCircuit,
  describeCircuitFigures,
  describeCircuitTarget,
  pruneCircuit,
  type CircuitDocument,
  type CircuitEdge,
  type CircuitFaithfulness,
  type CircuitNode
} from '../../base/protocol';
import { drawnGraphSvg } from '../../show/page/drawn-graph-svg';
import { drawnBundle, type ResultTable } from '../../show/result-table';
import { resultForms, saveResult } from '../../show/save-result';
import { circuitPage } from './circuit-page';

/** Drawings with more edges are illegible. */
const SHOWN_EDGES = 80;

export class Circuit implements Displayable {
  /** All that were considered. */
  readonly nodes: readonly CircuitNode[];
  /** All that were considered, strongest first. */
  readonly edges: readonly CircuitEdge[];
  readonly faithfulness: CircuitFaithfulness | undefined;
  /** Correlation of first-order effects with measured ones. */
  readonly correlation: CircuitDocument['correlation'];

  /** @param _runs of the model that it was found in, for further patching */
  constructor(
    readonly data: CircuitDocument,
    private readonly _runs?: TwoRuns
  ) {
    this.nodes = data.nodes;
    this.edges = data.edges;
    this.faithfulness = data.faithfulness;
    this.correlation = data.correlation;
  }

  /** Keeps edges of at least an absolute effect, and their nodes; in a circuit without edges, nodes. */
  prune(threshold: number): Circuit {
    return new Circuit(
      { ...this.data, ...pruneCircuit(this.data, threshold), threshold },
      this._runs
    );
  }

  /**
   * Patches nodes, each on its own, in the direction of the circuit.
   * @throws MoEDebuggerError 'input' for a node or a token that does not exist, 'cancelled'
   */
  async patch(
    cells: readonly NodeCell[],
    options: { signal?: AbortSignal } = {}
  ): Promise<PatchedCell[]> {
    if (!this._runs) {
      throw new MoEDebuggerError(
        'input',
        'the circuit was read from a document, without its model',
        { hint: 'call model.patch with the same prompts' }
      );
    }
    return patchCells(this._runs, cells, this.data.direction, options);
  }

  /** The document that `moe-debugger circuit --json` prints. */
  toJSON(): CircuitDocument {
    return this.data;
  }

  /** As Graphviz DOT. */
  toDOT(options?: CircuitDrawingOptions): string {
    return circuitDot(this.data, options);
  }

  /** @deprecated use `toDOT`; goes away in 1.0 */
  toDot(options?: CircuitDrawingOptions): string {
    warnDeprecated('MOE_DEP0007', 'circuit.toDot()', 'circuit.toDOT()');
    return this.toDOT(options);
  }

  /** As Mermaid. By default with the 80 strongest edges. */
  toMermaid(options?: CircuitDrawingOptions): string {
    return circuitMermaid(this.data, options);
  }

  /** As a self-contained HTML page without scripts. */
  toHTML(options?: CircuitDrawingOptions): string {
    return circuitPage(this.data, options);
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
    return describeCircuit(this.data);
  }

  /** The edges, or in a circuit without edges the nodes, strongest first. */
  private _table(): ResultTable {
    const { model, target, notes } = this.data;
    const { nodes, edges } = pruneCircuit(this.data, this.data.threshold);
    return {
      title: [
        `Circuit of ${printableLine(model)}`,
        describeCircuitTarget(target),
        ...describeCircuitFigures(this.data)
      ].join('. '),
      ...(edges.length > 0
        ? {
            columns: ['from', 'to', 'input', 'effect'],
            rows: edges.map(({ from, to, input, effect }) => [
              from,
              to,
              input ?? null,
              effect
            ])
          }
        : {
            columns: ['node', 'effect, first order', 'effect, measured'],
            rows: nodes.map(({ id, effect, patched }) => [
              id,
              effect,
              patched ?? null
            ])
          }),
      notes
    };
  }

  [MIMEBUNDLE](): JsonObject {
    return {
      ...drawnBundle(
        drawnGraphSvg(circuitDrawing(this.data, { maxEdges: SHOWN_EDGES })),
        [this._table()],
        this.toString()
      ),
      'text/markdown': `\`\`\`mermaid\n${this.toMermaid()}\`\`\`\n`
    };
  }
}
