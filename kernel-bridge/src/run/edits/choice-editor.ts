/** Inserts edits between a router's selection and its readers: which experts run, and with which weights. */
import type { Graph, GraphNode } from '../../onnx/graph/graph';
import type { Router, RouterTensors } from '../../routing/convention';
import { attributeText } from '../../onnx/graph/attributes';
import { passedOn } from '../../onnx/graph/no-ops';
import { nodesUpstream, walk } from '../../onnx/graph/walk';
import type { RouterSlots, Slot } from './slots';
import type { GraphRewriter } from './graph-rewriter';

type ChoiceSlots = Pick<
  RouterSlots,
  'scale' | 'map' | 'force' | 'forceWeights'
>;

export class ChoiceEditor {
  /** [tokens, experts], and its first dimension as a list of one. */
  private readonly _table: string;
  private readonly _tokens: string;

  /** @param _router one whose graph contains the selected experts */
  constructor(
    private readonly _rewriter: GraphRewriter,
    private readonly _router: Router,
    private readonly _index: number
  ) {
    const { graph } = _rewriter;
    const { logits } = _router.tensors;
    const flat =
      graph.shape(logits)?.length === 2
        ? logits
        : _rewriter.add('Reshape', [
            logits,
            _rewriter.ints(-1, _router.experts)
          ]);
    this._table = _rewriter.add('Shape', [flat]);
    this._tokens = _rewriter.add('Gather', [this._table, _rewriter.ints(0)]);
  }

  /** Adds inputs and nodes; returns the inputs and the tensors that hold the edited selection. */
  edit(): ChoiceSlots & { tensors: RouterTensors } {
    return this._router.tensors.weights
      ? this._editSlots(this._router.tensors.weights)
      : this._editDense(this._router.tensors.denseWeights!);
  }

  /** Edits weights that are stored per slot. */
  private _editSlots(
    weights: string[]
  ): ChoiceSlots & { tensors: RouterTensors } {
    const { graph } = this._rewriter;
    const selected = this._router.tensors.selected!;
    const before = new Set(nodesUpstream(graph, weights));
    const apart = new Set([...selected, ...weights]);
    const readers = selected.map(tensor =>
      readersOf(graph, tensor, before, apart)
    );
    const tangled =
      readers.find(found => typeof found === 'string') ??
      (readers.some(found => found.length === 0) ? TANGLED : undefined) ??
      (selected.length === weights.length
        ? undefined
        : 'experts and weights have different layouts');
    const scale = this._input('scale');
    const scaled = weights.map((tensor, i) =>
      this._weighted(tensor, selected[Math.min(i, selected.length - 1)], scale)
    );
    if (tangled !== undefined) {
      weights.forEach((tensor, i) =>
        this._redirectAll(tensor, scaled[i].whole)
      );
      return {
        scale: { input: scale },
        map: { refused: tangled as string },
        force: { refused: tangled as string },
        tensors: {
          ...this._router.tensors,
          weights: scaled.map(({ whole }) => whole)
        }
      };
    }
    const map = readers.flat().some(reader => (reader as Reader).scatters)
      ? undefined
      : this._input('map', 'int64');
    const ids = this._input('force', 'int64');
    const values = this._input('forceWeights');
    const none = this._rewriter.add('Less', [ids, this._rewriter.ints(0)]);
    const column = (table: string, i: number): string =>
      selected.length === 1
        ? table
        : this._rewriter.add('Gather', [table, this._rewriter.ints(i)], {
            axis: 1
          });
    const edited = selected.map((tensor, i) => {
      const rows = this._rows(tensor);
      const mapped = map === undefined ? rows : this._lookUp(map, rows);
      return this._like(
        tensor,
        this._rewriter.add('Where', [column(none, i), mapped, column(ids, i)])
      );
    });
    const final = weights.map((tensor, i) =>
      this._like(
        tensor,
        this._rewriter.add('Where', [
          column(none, i),
          scaled[i].rows,
          this._rewriter.castLike(column(values, i), tensor)
        ])
      )
    );
    selected.forEach((tensor, i) =>
      this._redirectReaders(readers[i] as Reader[], tensor, edited[i])
    );
    weights.forEach((tensor, i) => this._redirectAll(tensor, final[i]));
    return {
      scale: { input: scale },
      map:
        map === undefined
          ? {
              refused:
                'its weights are laid out by expert, so two slots cannot have the same expert'
            }
          : { input: map },
      force: { input: ids },
      forceWeights: values,
      tensors: { ...this._router.tensors, selected: edited, weights: final }
    };
  }

  /** Edits dense weights: one per expert, zero if it is not selected. */
  private _editDense(dense: string): ChoiceSlots & { tensors: RouterTensors } {
    const rewriter = this._rewriter;
    const scale = this._input('scale');
    const values = this._input('forceWeights');
    const ids = this._input('force', 'int64');
    const none = rewriter.add('Less', [ids, rewriter.ints(0)]);
    const rows = rewriter.add('Reshape', [dense, this._table]);
    const scaled = rewriter.add('Add', [
      rewriter.add('Mul', [rows, rewriter.castLike(scale, dense)]),
      rewriter.castLike(values, dense)
    ]);
    const final = rewriter.add('Reshape', [
      scaled,
      rewriter.add('Shape', [dense])
    ]);
    this._redirectAll(dense, final);
    const map: Slot = {
      refused:
        'its weights are laid out by expert, so two slots cannot have the same expert'
    };
    return {
      scale: { input: scale },
      map,
      force: { input: ids },
      forceWeights: values,
      tensors: {
        ...this._router.tensors,
        // Readers of the selection weight it by expert; the trace gets forced experts from here.
        selected: this._router.tensors.selected!.map(tensor =>
          this._like(
            tensor,
            rewriter.add('Where', [none, this._rows(tensor), ids])
          )
        ),
        denseWeights: final
      }
    };
  }

  /** The weights times the scales of their experts. */
  private _weighted(
    weights: string,
    selected: string,
    scale: string
  ): { rows: string; whole: string } {
    const factors = this._lookUp(scale, this._rows(selected));
    const rows = this._rewriter.add('Mul', [
      this._rows(weights),
      this._rewriter.castLike(factors, weights)
    ]);
    return { rows, whole: this._like(weights, rows) };
  }

  /** Gathers a table's values at the selected experts: [tokens, k]. */
  private _lookUp(table: string, chosen: string): string {
    return this._rewriter.add(
      'GatherElements',
      [this._rewriter.add('Expand', [table, this._table]), chosen],
      { axis: 1 }
    );
  }

  /** Reshapes to [tokens, k]. */
  private _rows(tensor: string): string {
    return this._isTable(tensor)
      ? tensor
      : this._rewriter.add('Reshape', [
          tensor,
          this._rewriter.add(
            'Concat',
            [this._tokens, this._rewriter.ints(-1)],
            { axis: 0 }
          )
        ]);
  }

  /** Reshapes rows to the shape of their original tensor. */
  private _like(tensor: string, rows: string): string {
    return this._isTable(tensor)
      ? rows
      : this._rewriter.add('Reshape', [
          rows,
          this._rewriter.add('Shape', [tensor])
        ]);
  }

  /** True for [tokens, k]; separately selected slots may be [batch, sequence]. */
  private _isTable(tensor: string): boolean {
    const { topK, tensors } = this._router;
    const shape = this._rewriter.graph.shape(tensor);
    return (
      shape?.length === 2 && shape[1] === topK / (tensors.selected?.length ?? 1)
    );
  }

  private _input(kind: string, type: 'float' | 'int64' = 'float'): string {
    return this._rewriter.input(`${this._index}/${kind}`, type, [
      `edit_${kind}_rows_${this._index}`,
      `edit_${kind}_width_${this._index}`
    ]);
  }

  private _redirectAll(from: string, to: string): void {
    for (const node of this._rewriter.graph.consumers(from)) {
      this._rewriter.redirect(node, from, to);
    }
  }

  /** Redirects readers. Those behind a view that the weights also use get a copy of the view. */
  private _redirectReaders(
    readers: readonly Reader[],
    from: string,
    to: string
  ): void {
    for (const { node, through } of readers) {
      let last = from;
      let edited = to;
      for (const view of through) {
        const [before, after] = [last, edited];
        edited = this._rewriter.copy(
          view.proto,
          view.inputs.map(input => (input === before ? after : input))
        );
        last = view.outputs[0];
      }
      this._rewriter.redirect(node, last, edited);
    }
  }
}

interface Reader {
  node: GraphNode;
  /** Views between the tensor and the node that the weights also use. */
  through: GraphNode[];
  /** It scatters weights to the positions of the selected experts. */
  scatters: boolean;
}

/**
 * Readers that use a selection to run experts, as opposed to computing weights.
 * @param weighing nodes that compute the weights
 * @param apart selections and weights, which are not followed further
 * @returns why they cannot be separated, if so
 */
function readersOf(
  graph: Graph,
  tensor: string,
  weighing: ReadonlySet<GraphNode>,
  apart: ReadonlySet<string>
): Reader[] | string {
  const readers: Reader[] = [];
  // The views on the way to each tensor.
  const views = new Map<string, GraphNode[]>([[tensor, []]]);
  for (const { tensor: view, nodes } of walk(graph, [tensor], {
    direction: 'downstream',
    through(node, from) {
      if (!weighing.has(node) || passedOn(graph, node) !== from) {
        return false;
      }
      const [next] = node.outputs;
      views.set(next, views.get(next) ?? [...views.get(from)!, node]);
      return [next];
    }
  })) {
    for (const node of nodes) {
      if (!node.inputs.includes(view)) {
        return 'its selection is read inside a loop or a branch';
      }
      if (!weighing.has(node)) {
        readers.push({
          node,
          through: views.get(view)!,
          scatters: scatters(graph, node, view)
        });
      } else if (
        passedOn(graph, node) !== view &&
        sends(graph, node, view, weighing, apart)
      ) {
        return TANGLED;
      }
    }
  }
  return readers;
}

const TANGLED =
  'its weights are computed from the same tensors that send tokens to experts';

/** Whether a node passes the selection to readers other than weights; scores gathered by it do not contain it. */
function sends(
  graph: Graph,
  node: GraphNode,
  choice: string,
  weighing: ReadonlySet<GraphNode>,
  apart: ReadonlySet<string>
): boolean {
  if (/^Gather/.test(node.op) && node.inputs[0] !== choice) {
    return false;
  }
  for (const { tensor, nodes } of walk(graph, node.outputs, {
    direction: 'downstream',
    through: (_, from) => !apart.has(from)
  })) {
    if (!apart.has(tensor) && nodes.some(next => !weighing.has(next))) {
      return true;
    }
  }
  return false;
}

/** Whether weights are scattered so that a repeated expert overwrites, here or behind views. */
function scatters(graph: Graph, node: GraphNode, tensor: string): boolean {
  if (passedOn(graph, node) !== tensor) {
    return overwrites(node, tensor);
  }
  for (const { tensor: view, nodes } of walk(graph, [node.outputs[0]], {
    direction: 'downstream',
    through: (next, from) =>
      passedOn(graph, next) === from && next.outputs.slice(0, 1)
  })) {
    if (nodes.some(next => overwrites(next, view))) {
      return true;
    }
  }
  return false;
}

function overwrites({ op, inputs, proto }: GraphNode, tensor: string): boolean {
  return (
    (op === 'ScatterElements' || op === 'ScatterND') &&
    inputs[1] === tensor &&
    attributeText(proto, 'reduction') !== 'add'
  );
}
