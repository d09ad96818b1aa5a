/**
 * Which experts a graph has a path for. An export that traced one run keeps only the experts that the run used; tokens
 * that select another one get nothing from it. Where a graph distinguishes experts one by one, by constants, these are
 * counted; where all experts go through one operator, every expert is reached.
 */
import { attributeInt, attributeInts } from '../../onnx/graph/attributes';
import { Graph, type GraphNode } from '../../onnx/graph/graph';
import { nodesUpstream, walk } from '../../onnx/graph/walk';
import type { Router } from '../convention';
import { passedOn } from '../../onnx/graph/no-ops';
import { isFused } from './fused-experts';

/** How a tensor holds the choice: as numbers of experts, or with one entry an expert along an axis. */
type Held = { as: 'numbers' } | { as: 'rows'; axis: number | undefined };

/** @returns for each router the experts, in ascending order, whose output reaches none of the graph's; none where that cannot be told */
export function lostExperts(
  graph: Graph,
  routers: readonly Router[]
): number[][] {
  const live = new Set(nodesUpstream(graph, graph.outputs));
  return routers.map(router => {
    const reached = reachedExperts(graph, router, live);
    return reached ? range(router.experts).filter(e => !reached.has(e)) : [];
  });
}

/**
 * Undefined where every expert is reached, or what the graph does with the choice is not understood.
 * @param live nodes that the graph's outputs are computed by
 */
function reachedExperts(
  graph: Graph,
  { selectors, tensors, experts }: Router,
  live: ReadonlySet<GraphNode>
): Set<number> | undefined {
  const selector = graph.nodes[selectors[0].index];
  if (isFused(selector)) {
    return stored(graph, selector.inputs[FIRST_WEIGHT], experts);
  }
  const { selected, weights, denseWeights } = tensors;
  const weighing = new Set(
    nodesUpstream(graph, weights ?? [], ({ index }) => index > selector.index)
  );
  const reached = new Set<number>();
  const held = new Map<string, Held>();
  for (const tensor of selected ?? []) {
    held.set(tensor, { as: 'numbers' });
  }
  if (denseWeights !== undefined) {
    held.set(denseWeights, { as: 'rows', axis: -1 });
  }
  for (const { tensor, nodes } of walk(graph, [...held.keys()], {
    direction: 'downstream',
    through: (node, from) => {
      const next = follow(graph, node, from, held.get(from)!, experts);
      if (next?.kind !== 'held') {
        return false;
      }
      node.outputs.forEach(output => held.set(output, next.held));
      return node.outputs;
    }
  })) {
    for (const node of nodes) {
      if (
        !live.has(node) ||
        SHAPE_ONLY.has(node.op) ||
        looksUpScores(node, tensor, weighing)
      ) {
        continue;
      }
      const next = follow(graph, node, tensor, held.get(tensor)!, experts);
      if (next === undefined) {
        return undefined;
      }
      if (next.kind === 'experts') {
        for (const expert of next.experts) {
          reached.add(expert);
        }
      }
    }
  }
  return reached.size > 0 ? reached : undefined;
}

type Next =
  { kind: 'held'; held: Held } | { kind: 'experts'; experts: Iterable<number> };

/** What a node does with the choice: passes it on, or selects the part of single experts. Undefined for all else. */
function follow(
  graph: Graph,
  node: GraphNode,
  tensor: string,
  held: Held,
  experts: number
): Next | undefined {
  return held.as === 'numbers'
    ? followNumbers(graph, node, tensor, experts)
    : followRows(graph, node, tensor, held.axis, experts);
}

function followNumbers(
  graph: Graph,
  node: GraphNode,
  tensor: string,
  experts: number
): Next | undefined {
  const { op, inputs, proto } = node;
  const numbers: Next = { kind: 'held', held: { as: 'numbers' } };
  if (passedOn(graph, node) !== undefined || NUMBERS_PASS.has(op)) {
    return inputs[0] === tensor || op === 'Concat' ? numbers : undefined;
  }
  switch (op) {
    case 'Equal': {
      const other = inputs[0] === tensor ? inputs[1] : inputs[0];
      const values = graph.constantValues(other);
      return values?.length === 1
        ? only(values[0], experts)
        : values?.length === experts
          ? rows(-1)
          : undefined;
    }
    case 'OneHot':
      return inputs[0] === tensor
        ? rows(attributeInt(proto, 'axis') ?? -1)
        : undefined;
    case 'ScatterElements':
      return inputs[1] === tensor
        ? rows(attributeInt(proto, 'axis') ?? 0)
        : undefined;
    case 'Gather': {
      const found = stored(graph, inputs[0], experts);
      return inputs[1] === tensor &&
        found &&
        (attributeInt(proto, 'axis') ?? 0) === 0
        ? { kind: 'experts', experts: found }
        : undefined;
    }
    case 'Loop': {
      const count = turns(graph, node, tensor);
      return count === undefined
        ? undefined
        : { kind: 'experts', experts: range(Math.min(count, experts)) };
    }
    default:
      return undefined;
  }
}

function followRows(
  graph: Graph,
  node: GraphNode,
  tensor: string,
  own: number | undefined,
  experts: number
): Next | undefined {
  const { op, inputs, outputs, proto } = node;
  const shape = graph.shape(tensor);
  const axis = axisOf(shape, own, experts);
  const picks = (at: number): boolean =>
    axis !== undefined &&
    (at === axis ||
      (shape !== undefined &&
        (at + shape.length) % shape.length ===
          (axis + shape.length) % shape.length));
  const scalar = (input: string | undefined): number | undefined =>
    input ? graph.constantScalar(input) : undefined;
  if (
    ROWS_PASS.has(op) ||
    (passedOn(graph, node) === tensor && !MOVES_AXES.has(op))
  ) {
    return rows(axis);
  }
  switch (op) {
    case 'Transpose': {
      const perm = attributeInts(proto, 'perm');
      return axis === undefined || !perm
        ? undefined
        : rows(perm.indexOf((axis + perm.length) % perm.length));
    }
    case 'Reshape':
    case 'Unsqueeze':
    case 'Squeeze':
    case 'Flatten':
    case 'Expand':
    case 'ReduceSum':
    case 'ReduceMax': {
      // Another axis is only known from a declared shape.
      const [output] = outputs;
      const shaped =
        graph.shape(output) ??
        (op === 'Reshape' ? graph.constantValues(inputs[1]) : undefined);
      const next = axisOf(shaped, undefined, experts);
      return next === undefined ? undefined : rows(next);
    }
    case 'Gather': {
      const number = scalar(inputs[1]);
      return inputs[0] === tensor &&
        number !== undefined &&
        picks(attributeInt(proto, 'axis') ?? 0)
        ? only(number, experts)
        : undefined;
    }
    case 'Slice': {
      const [start, end] = [scalar(inputs[1]), scalar(inputs[2])];
      const at = scalar(inputs[3]) ?? 0;
      return start !== undefined && end === start + 1 && picks(at)
        ? only(start, experts)
        : undefined;
    }
    case 'Split':
      return outputs.length === experts &&
        picks(attributeInt(proto, 'axis') ?? 0)
        ? {
            kind: 'experts',
            experts: range(experts).filter(
              e => graph.consumers(outputs[e]).length > 0
            )
          }
        : undefined;
    default:
      return undefined;
  }
}

/** The axis with one entry an expert: as tracked, or the only one of that size in the declared shape. */
function axisOf(
  shape: readonly (number | undefined)[] | undefined,
  tracked: number | undefined,
  experts: number
): number | undefined {
  const axes = [...(shape ?? []).keys()].filter(
    axis => shape![axis] === experts
  );
  return tracked ?? (axes.length === 1 ? axes[0] : undefined);
}

function rows(axis: number | undefined): Next {
  return { kind: 'held', held: { as: 'rows', axis } };
}

function only(expert: number, experts: number): Next {
  const number = expert < 0 ? expert + experts : expert;
  return { kind: 'experts', experts: number < experts ? [number] : [] };
}

/** Experts of a tensor that stacks their weights; undefined when it is not stored. */
function stored(
  graph: Graph,
  tensor: string | undefined,
  experts: number
): Set<number> | undefined {
  const count = tensor ? graph.weightOf(tensor)?.dims?.[0] : undefined;
  return count === undefined || count >= experts
    ? undefined
    : new Set(range(count));
}

/** The turns of a loop that compares the choice with the number of the turn. */
function turns(
  graph: Graph,
  { inputs, proto }: GraphNode,
  choice: string
): number | undefined {
  const count = graph.constantScalar(inputs[0] ?? '');
  const body = proto.attribute.find(({ name }) => name === 'body')?.g;
  if (count === undefined || !body) {
    return undefined;
  }
  const inside = new Graph(body, graph.file, graph);
  const views = (tensor: string): Set<string> =>
    new Set(
      [
        ...walk(inside, [tensor], {
          direction: 'downstream',
          through: node => passedOn(graph, node) !== undefined
        })
      ].map(step => step.tensor)
    );
  const [chosen, turn] = [views(choice), views(body.input[0]?.name ?? '')];
  return inside.nodes.some(
    ({ op, inputs: [a, b] }) =>
      op === 'Equal' &&
      ((chosen.has(a) && turn.has(b)) || (chosen.has(b) && turn.has(a)))
  )
    ? count
    : undefined;
}

/** Whether a node looks up scores at the choice, to weight experts: what it makes does not tell which they are. */
function looksUpScores(
  node: GraphNode,
  choice: string,
  weighing: ReadonlySet<GraphNode>
): boolean {
  return (
    weighing.has(node) &&
    (node.op === 'GatherElements' || node.op === 'GatherND') &&
    node.inputs[0] !== choice
  );
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

const FIRST_WEIGHT = 2;
const SHAPE_ONLY = new Set(['Shape', 'Size']);
/** Operators, besides no-ops, that keep one entry an expert: they mask tokens, count them, or multiply by weights. */
const ROWS_PASS = new Set([
  'Mul',
  'Where',
  'Not',
  'And',
  'CumSum',
  'Less',
  'LessOrEqual',
  'Greater',
  'GreaterOrEqual'
]);
/** No-ops after which the experts may lie along another axis. */
const MOVES_AXES = new Set([
  'Reshape',
  'Unsqueeze',
  'Squeeze',
  'Flatten',
  'Expand',
  'Transpose'
]);
/** Operators that move numbers of experts, or take those of one slot. */
const NUMBERS_PASS = new Set([
  'Concat',
  'Transpose',
  'Slice',
  'Split',
  'Expand',
  'Tile'
]);
