/** Result of a circuit search, with pruning, patching and drawings. */
import { writeFileSync } from 'node:fs';
import { extname } from 'node:path';
import {
  circuitDot,
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
  pruneCircuit,
  type CircuitDocument,
  type CircuitEdge,
  type CircuitFaithfulness,
  type CircuitNode
} from '../../base/protocol';
import { writeAtomically } from '../../base/atomic-file';
import { circuitPage } from './circuit-page';

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
  toDot(options?: CircuitDrawingOptions): string {
    return circuitDot(this.data, options);
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
   * Writes the circuit to a file atomically: .json, .dot, .mmd or .html.
   * @throws MoEDebuggerError 'input' for another extension, 'environment' when the file cannot be written
   */
  async save(file: string): Promise<void> {
    const text = this._as(extname(file).toLowerCase());
    if (text === undefined) {
      throw new MoEDebuggerError(
        'input',
        'the file extension does not name a format for circuits',
        { where: file, hint: 'use .json, .dot, .mmd or .html' }
      );
    }
    await writeAtomically(file, unfinished => writeFileSync(unfinished, text));
  }

  /** The target, the measurements, and one line per edge. */
  toString(): string {
    return describeCircuit(this.data);
  }

  [MIMEBUNDLE](): JsonObject {
    return {
      'text/plain': this.toString(),
      'text/markdown': `\`\`\`mermaid\n${this.toMermaid()}\`\`\`\n`
    };
  }

  private _as(ending: string): string | undefined {
    switch (ending) {
      case '.json':
        return `${JSON.stringify(this.data)}\n`;
      case '.dot':
        return this.toDot();
      case '.mmd':
        return this.toMermaid();
      case '.html':
        return this.toHTML();
      default:
        return undefined;
    }
  }
}
