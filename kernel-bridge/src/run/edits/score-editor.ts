/**
 * Inserts edits upstream of a router's selection: a bias of its logits, a bias of what it selects by, and a mask of the scores that it selects by. A
 * masked logit gives a score of 0, which a selection bias, a tie or a group can still select; so the scores are masked
 * too, wherever they are compared.
 */
import { attributeInt } from '../../onnx/graph/attributes';
import type { Graph, GraphNode } from '../../onnx/graph/graph';
import { ELEMENT } from '../../onnx/file/schema';
import { MASKED_LOGIT } from '../../routing/adjustment';
import type { Router } from '../../routing/convention';
import { sourceOf } from '../../onnx/graph/no-ops';
import {
  groupLimitOf,
  readScores,
  type GroupLimit
} from '../../routing/scores';
import type { GraphRewriter } from './graph-rewriter';
import type { RouterSlots, Slot } from './slots';

type ScoreSlots = Pick<RouterSlots, 'bias' | 'selectionBias' | 'mask'>;

export function editScores(
  rewriter: GraphRewriter,
  router: Router,
  index: number
): ScoreSlots {
  return new ScoreEditor(rewriter, router, index).edit();
}

/** A tensor that experts are selected by, and the node that reads it. */
interface Choice {
  reader: GraphNode;
  tensor: string;
  /** The smallest scores are selected. */
  smallest: boolean;
}

class ScoreEditor {
  private readonly _graph: Graph;
  private _mask?: string;

  constructor(
    private readonly _rewriter: GraphRewriter,
    private readonly _router: Router,
    private readonly _index: number
  ) {
    this._graph = _rewriter.graph;
  }

  edit(): ScoreSlots {
    const { logits, logitsAre } = this._router.tensors;
    const readers = this._graph.consumers(logits);
    const refused =
      logitsAre === 'probabilities'
        ? 'a fused node computes its scores, so the graph contains no logits'
        : readers.some(({ inputs }) => !inputs.includes(logits))
          ? 'its logits are read inside a loop or a branch'
          : undefined;
    if (refused !== undefined) {
      return {
        bias: { refused },
        selectionBias: { refused },
        mask: { refused }
      };
    }
    const bias = this._rewriter.input(
      `${this._index}/bias`,
      'float',
      this._dims('bias')
    );
    const edited = this._inRows(logits, rows =>
      this._masked(
        this._rewriter.add('Add', [
          rows,
          this._rewriter.castLike(bias, logits)
        ]),
        logits
      )
    );
    readers.forEach(node => this._rewriter.redirect(node, logits, edited));
    const source = sourceOf(this._graph, logits).tensor;
    const choices = this._choices();
    const compared = choices.map(choice =>
      sourceOf(this._graph, choice.tensor).tensor !== source
        ? this._maskChoice(choice)
        : choice.tensor === logits
          ? edited
          : choice.tensor
    );
    return {
      bias: { input: bias },
      selectionBias: this._biasSelection(choices, compared),
      mask: { input: this._maskInput }
    };
  }

  /**
   * The selecting node compares biased scores. The values that it returns, which weights may be computed from, are
   * gathered from the scores without the bias.
   *
   * @param compared by choice: the tensor that its reader compares by now
   */
  private _biasSelection(
    choices: readonly Choice[],
    compared: readonly string[]
  ): Slot {
    const refused = this._noSelectionBias(choices);
    if (refused !== undefined) {
      return { refused };
    }
    const [{ reader }] = choices;
    const [scores] = compared;
    const bias = this._rewriter.input(
      `${this._index}/selectionBias`,
      'float',
      this._dims('selectionBias')
    );
    const biased = this._inRows(
      choices[0].tensor,
      rows =>
        this._rewriter.add('Add', [
          rows,
          this._rewriter.castLike(bias, choices[0].tensor)
        ]),
      this._router.experts,
      scores
    );
    this._rewriter.redirect(reader, scores, biased);
    const [values, indices] = reader.outputs;
    if (values) {
      this._rewriter.recompute(
        reader,
        values,
        'GatherElements',
        [scores, indices],
        { axis: attributeInt(reader.proto, 'axis') ?? -1 }
      );
    }
    return { input: bias };
  }

  /** Why a bias cannot act on the selection alone; undefined if it can. */
  private _noSelectionBias(choices: readonly Choice[]): string | undefined {
    const { selectors, convention } = this._router;
    const [{ index, op }] = selectors;
    if (this._router.tensors.selected === null) {
      return `its ${op} node computes the selection and the weights from the same logits`;
    }
    if (
      this._router.tensors.weights === null &&
      this._router.tensors.denseWeights === undefined
    ) {
      return 'its graph holds no weights of the experts';
    }
    if (convention.groups) {
      return 'it selects groups of experts first';
    }
    if (
      choices.length !== 1 ||
      op !== 'TopK' ||
      choices[0].smallest ||
      choices[0].reader !== this._graph.nodes[index]
    ) {
      return `it selects by ${[...new Set(selectors.map(own => own.op))].join(', ')}, not by one TopK of the largest scores`;
    }
    const read = readScores(this._graph, choices[0].tensor);
    return read &&
      !read.isLog &&
      read.factor === undefined &&
      (read.score !== undefined) === convention.scoreBeforeTopK
      ? undefined
      : 'what it selects by is not its scores or logits themselves';
  }

  /** Where the router's nodes select experts. */
  private _choices(): Choice[] {
    return this._router.selectors.map(({ index, op }) => {
      let reader = this._graph.nodes[index];
      let tensor = reader.inputs[CHOICE[op] ?? 0];
      // A TopK whose ties go to the last expert reads the scores in reverse.
      for (
        let above = this._graph.producer(tensor);
        above && reverses(this._graph, above);
        above = this._graph.producer(tensor)
      ) {
        reader = above;
        tensor = above.inputs[0];
      }
      const smallest =
        op === 'ArgMin' ||
        (op === 'TopK' &&
          attributeInt(this._graph.nodes[index].proto, 'largest') === 0);
      return { reader, tensor, smallest };
    });
  }

  /** @returns the tensor that is compared now */
  private _maskChoice({ reader, tensor, smallest }: Choice): string {
    const limit = groupLimitOf(this._graph, tensor);
    if (limit) {
      this._maskGroups(limit);
    }
    const masked = this._inRows(tensor, rows =>
      this._masked(rows, tensor, smallest)
    );
    this._rewriter.redirect(reader, tensor, masked);
    return masked;
  }

  /** Keeps groups of which every expert is masked from being selected. */
  private _maskGroups({ count, node }: GroupLimit): void {
    const [total] = node.outputs;
    const size = this._router.experts / count;
    const inGroups = this._rewriter.add('Reshape', [
      this._rewriter.add('Cast', [this._maskInput], { to: ELEMENT.float }),
      this._rewriter.ints(-1, count, size)
    ]);
    const whole = this._rewriter.add(
      'Cast',
      [this._rewriter.reduce('ReduceMin', inGroups, [-1], 0)],
      { to: ELEMENT.bool }
    );
    const masked = this._inRows(
      total,
      rows => this._masked(rows, total, false, whole),
      count
    );
    this._graph
      .consumers(total)
      .forEach(reader => this._rewriter.redirect(reader, total, masked));
  }

  private _masked(
    rows: string,
    like: string,
    smallest: boolean = false,
    mask: string = this._maskInput
  ): string {
    const lowest = this._lowest(like);
    return this._rewriter.add('Where', [
      mask,
      this._rewriter.scalarLike(smallest ? -lowest : lowest, like),
      rows
    ]);
  }

  /** Below every score of the tensor's type, finite, and with room for arithmetic. */
  private _lowest(tensor: string): number {
    return this._rewriter.isHalf(tensor) ? LOWEST_HALF : LOWEST;
  }

  private get _maskInput(): string {
    return (this._mask ??= this._rewriter.input(
      `${this._index}/mask`,
      'bool',
      this._dims('mask')
    ));
  }

  private _dims(kind: string): (string | number)[] {
    return [`edit_${kind}_${this._index}`, this._router.experts];
  }

  /**
   * Edits a tensor in the shape [tokens, width].
   * @param now what edits made of the tensor
   */
  private _inRows(
    tensor: string,
    edit: (rows: string) => string,
    width: number = this._router.experts,
    now: string = tensor
  ): string {
    if (this._graph.shape(tensor)?.length === 2) {
      return edit(now);
    }
    const rows = this._rewriter.add('Reshape', [
      now,
      this._rewriter.ints(-1, width)
    ]);
    return this._rewriter.add('Reshape', [
      edit(rows),
      this._rewriter.add('Shape', [tensor])
    ]);
  }
}

/** The input of a selecting node that it compares; the first of all others. */
const CHOICE: Record<string, number> = {
  'com.microsoft.MoE': 1,
  'com.microsoft.QMoE': 1
};

const LOWEST = MASKED_LOGIT;
/** float16 has no -1e30; its least finite value is -65504. */
const LOWEST_HALF = -65504;

function reverses(graph: Graph, { op, inputs }: GraphNode): boolean {
  return (
    op === 'Slice' && (graph.constantValues(inputs[4] ?? '')?.[0] ?? 1) < 0
  );
}
