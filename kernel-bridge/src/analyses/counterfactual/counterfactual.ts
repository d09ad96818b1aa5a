/** Result of a counterfactual: two runs, their difference, and the causal graph of its experts. */
import { printableLine } from '../../base/printable';
import { drawnGraphSvg } from '../../show/page/drawn-graph-svg';
import { drawnBundle, type ResultTable } from '../../show/result-table';
import { resultForms, saveResult } from '../../show/save-result';
import { diffTable } from '../diff/diff-bundle';
import type { RoutingDiff } from '../diff/routing-diff';
import { editText } from '../../run/edits/edit-text';
import type { EditRecord } from '../../run/edits/edits';
import { editNotes } from '../../run/model/runnable';
import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../../base/kernel-api';
import type { RoutingSample } from '../../base/protocol';
import type { RoutingTrace } from '../../run/trace/routing-trace';
import type { CausalEdge, CausalGraph, Effect } from './causal-graph';
import { counterfactualPage } from './graph-page';
import {
  drawCausalGraph,
  drawnEdges,
  edgeText,
  effectsText,
  toDot,
  toMermaid,
  type DrawingOptions
} from './graph-drawing';
import type { CounterfactualDocument } from './document';

export class Counterfactual implements Displayable {
  /** The run without edits, with the logits of all tokens. */
  readonly original: RoutingTrace;
  /** The run with edits. */
  readonly edited: RoutingTrace;
  readonly diff: RoutingDiff;

  constructor(
    { original, edited, diff }: Counterfactual.IRuns,
    readonly graph: CausalGraph
  ) {
    this.original = original;
    this.edited = edited;
    this.diff = diff;
  }

  /** The document that `moe-debugger counterfactual --json` prints. */
  toJSON(): CounterfactualDocument {
    return {
      schema: 'moe-debugger/counterfactual@1',
      model: this.original.model,
      edits: [...editsOf(this.graph)],
      graph: this.graph,
      diff: this.diff.toJSON()
    };
  }

  /** The causal graph as Graphviz DOT. */
  toDOT(options?: DrawingOptions): string {
    return toDot(this.graph, this._sample, options);
  }

  /** The causal graph as Mermaid. By default with the 80 strongest edges. */
  toMermaid(options?: DrawingOptions): string {
    return toMermaid(this.graph, this._sample, options);
  }

  /** A self-contained HTML page without scripts. By default the 80 strongest edges are drawn. */
  toHTML(options?: DrawingOptions): string {
    return counterfactualPage(
      this.toJSON(),
      this._sample,
      this.diff.toString(),
      options
    );
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

  /** The edits, the diff's table, and one line per edge. */
  toString(): string {
    return [
      titleOf(this),
      this.diff.toString(),
      ...this._outputLine(),
      effectsText(this.graph),
      ...drawnEdges(this.graph).map(
        edge =>
          `${edge.effect === 'total' ? 'total   ' : 'direct  '}${edge.from === 'edit' ? 'the edit' : edge.from} > ${edge.to}: ${edgeText(edge)}`
      )
    ].join('\n');
  }

  [MIMEBUNDLE](): JsonObject {
    return {
      ...drawnBundle(
        drawnGraphSvg(drawCausalGraph(this.graph, this._sample, SHOWN_EDGES)),
        [effectsTable(this), diffTable(this.diff)],
        this.toString()
      ),
      'text/markdown': `\`\`\`mermaid\n${this.toMermaid()}\`\`\`\n`
    };
  }

  /** How much of the output's change does not depend on other routers' selections. */
  private _outputLine(): string[] {
    const edge = (effect: Effect): CausalEdge | undefined =>
      this.graph.edges.find(
        ({ from, to, effect: of }) =>
          from === 'edit' && to === 'output' && of === effect
      );
    const [total, direct] = [edge('total'), edge('direct')];
    return this.graph.effects === 'direct' && total
      ? [
          `with all other routing held: KL ${direct ? edgeText(direct).slice(3) : 0} of ${edgeText(total).slice(3)}`
        ]
      : [];
  }

  private get _sample(): RoutingSample {
    return this.original.samples[0];
  }
}

/** Drawings with more edges are illegible. */
const SHOWN_EDGES = 80;

/** The edits whose effects it shows, without those that both runs had. */
function editsOf({ nodes }: CausalGraph): readonly EditRecord[] {
  return nodes.flatMap(node => (node.kind === 'edit' ? node.edits : []));
}

function titleOf({ original, graph }: Counterfactual): string {
  const { model, edits } = original;
  return [
    `Counterfactual of ${printableLine(model)}: ${editsOf(graph).map(editText).join('; ')}`,
    ...editNotes({ edits: edits.map(editText) })
  ].join('; ');
}

function effectsTable(counterfactual: Counterfactual): ResultTable {
  const { graph } = counterfactual;
  return {
    title: titleOf(counterfactual),
    columns: ['from', 'to', 'effect', 'of'],
    rows: drawnEdges(graph).map(edge => [
      edge.from,
      edge.to,
      edgeText(edge),
      edge.effect
    ]),
    notes: [effectsText(graph)]
  };
}

export namespace Counterfactual {
  export interface IRuns {
    original: RoutingTrace;
    edited: RoutingTrace;
    diff: RoutingDiff;
  }
}
