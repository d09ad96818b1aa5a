import {
  effectStrength,
  pruneCircuit,
  type CircuitAction,
  type CircuitDocument,
  type CircuitEdge,
  type CircuitNode,
  type CircuitPoint,
  type CircuitQuestion,
  type CircuitState,
  type PrunedCircuit
} from 'moe-debugger/protocol';
import { ToolModel } from '../model';

/** More edges are unreadable and slow. */
export const MAX_DRAWN = 250;
/** Maximum positions of the slider. */
const STOPS = 120;

const NOTHING: PrunedCircuit = { nodes: [], edges: [] };

/** Faithfulness of the circuit at some size. */
export interface IFaithfulness {
  point: CircuitPoint;
  /** Measured at the nearest smaller size, not at this one. */
  isSmaller: boolean;
}

/** A circuit with the state of its view: the shown size, and the selected part. */
export class CircuitModel extends ToolModel<CircuitState, CircuitAction> {
  constructor(options: ToolModel.IOptions<CircuitState>) {
    super(options);
    this._follow();
  }

  /** The content of the form, submitted or not. */
  get draft(): CircuitQuestion {
    return this._draft;
  }
  set draft(draft: CircuitQuestion) {
    this._draft = draft;
    this.emit();
  }

  /** Submits the form. A number that its target does not need may be missing. */
  find(): void {
    const { target } = this._draft;
    this.send({
      do: 'find',
      question: {
        ...this._draft,
        target: {
          ...target,
          layer: target.layer || 0,
          expert: target.expert || 0
        }
      }
    });
  }

  /** Sizes at the positions of the slider: numbers of the strongest edges, or of nodes if there are no edges. */
  get sizes(): readonly number[] {
    return this._sizes;
  }

  get size(): number {
    return this._size;
  }
  set size(size: number) {
    this._size = size;
    this._prune();
    this.emit();
  }

  /** The smallest absolute effect that is shown. */
  get threshold(): number {
    return this._strengths[this._size - 1] ?? 0;
  }

  /** The circuit at that size: edges and nodes on a path to the target. */
  get pruned(): PrunedCircuit {
    return this._pruned;
  }

  /** The drawn part of it: the strongest edges. */
  get drawn(): PrunedCircuit {
    return this._drawn;
  }

  /** The union of what all slider positions draw: it defines the layout. */
  get stage(): PrunedCircuit {
    return this._stage;
  }

  /** The strongest effect of an edge, or of a node if there are no edges. */
  get peak(): number {
    return this._strengths[0] ?? 0;
  }

  /** The strongest effect of a node. */
  get nodePeak(): number {
    return this._nodePeak;
  }

  /** Id of the selected node. */
  get selected(): CircuitNode | undefined {
    return this.state.circuit?.nodes.find(({ id }) => id === this._selected);
  }
  set selected(node: CircuitNode | undefined) {
    this._selected = node?.id ?? null;
    this._position = null;
    this.emit();
  }

  /** The selected token; null for all. */
  get position(): number | null {
    return this._position;
  }
  set position(position: number | null) {
    this._position = position;
    this.emit();
  }

  /** Faithfulness at this size, or at the largest measured size below it. */
  get faithfulness(): IFaithfulness | undefined {
    const point = (this.state.circuit?.faithfulness?.points ?? [])
      .filter(({ size }) => size <= this._size)
      .pop();
    return point && { point, isSmaller: point.size < this._size };
  }

  /** First-order effect at the selected token. */
  firstOrder({ effect, effects }: CircuitNode): number | null {
    return this._position === null
      ? effect
      : (effects?.[this._position] ?? null);
  }

  /** Measured effect at the selected token, from the search or from a patch; undefined if not measured. */
  measured({ id, patched, patchedAt }: CircuitNode): number | null | undefined {
    const asked = this.state.patches.find(
      ({ node, position }) => node === id && position === this._position
    );
    if (asked) {
      return asked.effect;
    }
    return this._position === null
      ? patched
      : (patchedAt?.[this._position] ?? undefined);
  }

  /** Asks the kernel to patch the selected node. */
  patch(): void {
    if (this._selected !== null) {
      this.send({
        do: 'patch',
        node: this._selected,
        position: this._position
      });
    }
  }

  /** With the state of the view, so that a stored circuit opens with it. */
  override get stored(): CircuitState {
    return this.state.circuit
      ? { ...this.state, shown: { size: this._size, node: this._selected } }
      : this.state;
  }

  protected override onState(): void {
    this._follow();
  }

  /** A new question from the kernel replaces a form that the user has not changed; a new circuit starts at its own threshold. */
  private _follow(): void {
    const { question, circuit, shown } = this.state;
    const asked = JSON.stringify(question);
    if (this._asked === '' || JSON.stringify(this._draft) === this._asked) {
      this._draft = question;
    }
    this._asked = asked;
    const found = circuit && key(circuit);
    if (found === this._found) {
      return;
    }
    this._found = found;
    const units = circuit
      ? circuit.edges.length > 0
        ? circuit.edges
        : circuit.nodes
      : [];
    this._strengths = units.map(effectStrength).sort((a, b) => b - a);
    this._nodePeak = Math.max(0, ...(circuit?.nodes ?? []).map(effectStrength));
    const most = units.length;
    this._sizes = stops(most, circuit?.faithfulness?.points ?? []);
    const { threshold = 0 } = circuit ?? {};
    const own = this._strengths.filter(
      strength => strength >= threshold
    ).length;
    this._size = Math.max(1, Math.min(shown?.size ?? own, most));
    this._selected = shown?.node ?? null;
    this._position = null;
    this._stage = circuit ? strongest(pruneCircuit(circuit, 0)) : NOTHING;
    this._prune();
  }

  private _prune(): void {
    const { circuit } = this.state;
    this._pruned = circuit ? pruneCircuit(circuit, this.threshold) : NOTHING;
    this._drawn = within(this._pruned, this._stage);
  }

  private _asked = '';
  private _draft!: CircuitQuestion;
  private _drawn = NOTHING;
  private _found: string | null = null;
  private _nodePeak = 0;
  private _position: number | null = null;
  private _pruned = NOTHING;
  private _selected: string | null = null;
  private _size = 1;
  private _sizes: readonly number[] = [];
  private _stage = NOTHING;
  private _strengths: readonly number[] = [];
}

/** The strongest edges up to the drawing limit, with their nodes; without edges, nodes. */
function strongest(circuit: PrunedCircuit): PrunedCircuit {
  const byEffect = <T extends Parameters<typeof effectStrength>[0]>(
    all: readonly T[]
  ): T[] =>
    [...all]
      .sort((a, b) => effectStrength(b) - effectStrength(a))
      .slice(0, MAX_DRAWN);
  if (circuit.edges.length === 0) {
    const kept = new Set(byEffect(circuit.nodes));
    return { nodes: circuit.nodes.filter(node => kept.has(node)), edges: [] };
  }
  const edges = byEffect(circuit.edges);
  return { nodes: joined(circuit.nodes, edges), edges };
}

/** The drawn part of a circuit. */
function within(circuit: PrunedCircuit, stage: PrunedCircuit): PrunedCircuit {
  if (circuit.edges.length === 0) {
    const there = new Set(stage.nodes.map(({ id }) => id));
    return {
      nodes: circuit.nodes.filter(({ id }) => there.has(id)),
      edges: []
    };
  }
  const there = new Set(stage.edges.map(edgeKey));
  const edges = circuit.edges.filter(edge => there.has(edgeKey(edge)));
  return { nodes: joined(circuit.nodes, edges), edges };
}

/** The ends of edges, and the nodes that read the residual stream for them. */
function joined(
  nodes: readonly CircuitNode[],
  edges: readonly CircuitEdge[]
): CircuitNode[] {
  const ends = new Set(edges.flatMap(({ from, to }) => [from, to]));
  const readers = new Set(
    nodes.flatMap(({ id, within: reader }) =>
      reader !== undefined && ends.has(id) ? [reader] : []
    )
  );
  return nodes.filter(({ id }) => ends.has(id) || readers.has(id));
}

function edgeKey({ from, to, input }: CircuitEdge): string {
  return JSON.stringify([from, to, input]);
}

/** From 1 to `most` with growing steps, and the measured sizes. */
function stops(most: number, points: readonly CircuitPoint[]): number[] {
  const even = Array.from({ length: STOPS }, (_, i) =>
    Math.round(most ** (i / (STOPS - 1)))
  );
  const measured = points.map(({ size }) => size);
  return [...new Set([...even, ...measured])]
    .filter(size => size >= 1 && size <= most)
    .sort((a, b) => a - b);
}

/** Identifies a circuit, so that the same one sent again is not a new one. */
function key({
  model,
  target,
  direction,
  values,
  clean,
  corrupted,
  nodes,
  edges,
  threshold
}: CircuitDocument): string {
  return JSON.stringify([
    model,
    target,
    direction,
    values,
    clean,
    corrupted,
    nodes.length,
    edges.length,
    threshold
  ]);
}
