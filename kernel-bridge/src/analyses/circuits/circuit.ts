/** A circuit that was found, to look at, to prune, to draw and to hand on. */
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
  /** All that were looked at. */
  readonly nodes: readonly CircuitNode[];
  /** All that were looked at, the strongest first. */
  readonly edges: readonly CircuitEdge[];
  readonly faithfulness: CircuitFaithfulness | undefined;
  /** How well first-order effects tell measured ones. */
  readonly correlation: CircuitDocument['correlation'];

  /** @param _runs of the model that it was found in, to patch more of it */
  constructor(
    readonly data: CircuitDocument,
    private readonly _runs?: TwoRuns
  ) {
    this.nodes = data.nodes;
    this.edges = data.edges;
    this.faithfulness = data.faithfulness;
    this.correlation = data.correlation;
  }

  /** The same with the edges of at least an absolute effect only, and what they join; without edges, nodes. */
  prune(threshold: number): Circuit {
    return new Circuit(
      { ...this.data, ...pruneCircuit(this.data, threshold), threshold },
      this._runs
    );
  }

  /**
   * Patches nodes for real, each alone, in the direction of the circuit.
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

  /** For Graphviz. */
  toDot(options?: CircuitDrawingOptions): string {
    return circuitDot(this.data, options);
  }

  /** For Mermaid, the 80 strongest edges unless told otherwise. */
  toMermaid(options?: CircuitDrawingOptions): string {
    return circuitMermaid(this.data, options);
  }

  /** One file without scripts, which loads nothing. */
  toHTML(options?: CircuitDrawingOptions): string {
    return circuitPage(this.data, options);
  }

  /**
   * Writes the circuit to a file, whole or not at all: .json, .dot, .mmd or .html.
   * @throws MoEDebuggerError 'input' for another ending, 'environment' when the file cannot be written
   */
  async save(file: string): Promise<void> {
    const text = this._as(extname(file).toLowerCase());
    if (text === undefined) {
      throw new MoEDebuggerError(
        'input',
        'the ending of the file does not tell how to write the circuit',
        { where: file, hint: 'take .json, .dot, .mmd or .html' }
      );
    }
    await writeAtomically(file, unfinished => writeFileSync(unfinished, text));
  }

  /** The target, what was measured, and an edge a line. */
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
