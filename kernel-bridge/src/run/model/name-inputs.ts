/**
 * Gives inputs of any name the names that exporters of Hugging Face's models use, by type, shape and use. (jax2onnx calls
 * token ids `in_0`.) The graph gets inputs of those names, whose values its own names stand for inside.
 */
import type { GraphProto, ValueInfoProto } from '../../onnx/file/schema';
import { ELEMENT } from '../../onnx/file/schema';
import { Graph, type GraphNode } from '../../onnx/graph/graph';
import { viewsOf } from '../../onnx/graph/no-ops';
import { lastDim } from '../../routing/router-input';
import { walk } from '../../onnx/graph/walk';
import { NodeWriter } from '../../onnx/graph/node-writer';
import { KNOWN_INPUTS } from './inputs';
import { logitsOutput } from './vocabulary';

const INTEGERS: ReadonlySet<number> = new Set([ELEMENT.int32, ELEMENT.int64]);
const LOOKUPS = new Set(['Gather', 'com.microsoft.GatherBlockQuantized']);
/** What tells that a tensor says which tokens count. */
const MASKS = new Set([
  'And',
  'Equal',
  'Greater',
  'GreaterOrEqual',
  'Less',
  'LessOrEqual',
  'Not',
  'Sub',
  'Where'
]);
/** What tells that a tensor is multiplied with the frequencies of a rotary embedding. */
const ROTARY = new Set([
  'MatMul',
  'Einsum',
  'Mul',
  'com.microsoft.RotaryEmbedding',
  'RotaryEmbedding'
]);
/** Between an input and what it is used for, besides no-ops. */
const STEPS = new Set(['Expand', 'Slice', 'Concat', 'Tile', 'Transpose']);
const MAX_STEPS = 8;
/** Kinds of tokens, such as the first and the second sentence. */
const MAX_TYPES = 4;

interface Unnamed {
  info: ValueInfoProto;
  name: string;
  /** Rows of the stored table that the input looks up; undefined where it looks up none. */
  rows?: number;
}

/** @returns the same graph when all its inputs have known names, or a name cannot be told */
export function nameInputs(graph: GraphProto, file?: string): GraphProto {
  const stored = new Set(graph.initializer.map(({ name }) => name));
  const unknown = graph.input.filter(
    ({ name = '', type }) =>
      !stored.has(name) &&
      !KNOWN_INPUTS.has(name) &&
      (type?.tensorType?.shape?.dim.length ?? 0) <= 2
  );
  if (unknown.length === 0) {
    return graph;
  }
  const whole = new Graph(graph, file);
  const given = new Set(whole.inputs);
  const unnamed = unknown.map((info): Unnamed => {
    const { name = '' } = info;
    return { info, name, rows: tableOf(whole, name) };
  });
  const names = new Map<string, string>();
  const free = (name: string): boolean =>
    !given.has(name) && ![...names.values()].includes(name);
  const tokens = free('input_ids') ? tokensOf(whole, unnamed) : undefined;
  if (tokens) {
    names.set(tokens.name, 'input_ids');
  }
  for (const input of unnamed) {
    const role = input === tokens ? undefined : roleOf(whole, input);
    if (role !== undefined && free(role)) {
      names.set(input.name, role);
    }
  }
  return names.size === 0 ? graph : renamed(graph, names);
}

/** Of the inputs that look up a table, the one whose table has a row for each output logit, or the only one. */
function tokensOf(
  graph: Graph,
  inputs: readonly Unnamed[]
): Unnamed | undefined {
  const lookups = inputs.filter(
    ({ rows, info }) =>
      rows !== undefined && INTEGERS.has(info.type?.tensorType?.elemType ?? 0)
  );
  const vocabulary = lastDim(graph, logitsOutput(graph.proto));
  const fitting = lookups.filter(({ rows }) => rows === vocabulary);
  const [only, ...others] = fitting.length > 0 ? fitting : lookups;
  return others.length === 0 ? only : undefined;
}

function roleOf(
  graph: Graph,
  { name, rows, info }: Unnamed
): string | undefined {
  const integer = INTEGERS.has(info.type?.tensorType?.elemType ?? 0);
  if (rows !== undefined) {
    return integer
      ? rows <= MAX_TYPES
        ? 'token_type_ids'
        : 'position_ids'
      : undefined;
  }
  const uses = usesOf(graph, name);
  return integer && uses.some(({ op }) => ROTARY.has(op))
    ? 'position_ids'
    : uses.some(({ op }) => MASKS.has(op))
      ? 'attention_mask'
      : undefined;
}

/** Rows of the largest stored table that an input looks up. */
function tableOf(graph: Graph, input: string): number | undefined {
  const rows = viewsOf(graph, input).flatMap(view =>
    graph
      .consumers(view)
      .filter(({ op, inputs }) => LOOKUPS.has(op) && inputs[1] === view)
      .flatMap(({ inputs }) => {
        const dims = graph.weightOf(inputs[0])?.dims ?? [];
        return dims.length > 1 ? [dims[0]] : [];
      })
  );
  return rows.length === 0 ? undefined : Math.max(...rows);
}

/** The nodes that use an input's values, over what only lays them out. */
function usesOf(graph: Graph, input: string): GraphNode[] {
  const views = new Set(viewsOf(graph, input));
  return [
    ...walk(graph, [...views], {
      direction: 'downstream',
      maxDepth: MAX_STEPS,
      through: ({ op, inputs, outputs }, from) =>
        (STEPS.has(op) && inputs[0] === from) ||
        outputs.filter(output => views.has(output))
    })
  ].flatMap(({ nodes }) => nodes);
}

function renamed(
  graph: GraphProto,
  names: ReadonlyMap<string, string>
): GraphProto {
  const writer = new NodeWriter('moe_debugger/inputs/');
  for (const [own, name] of names) {
    writer.into([own], 'Identity', [name]);
  }
  return {
    ...graph,
    node: [...writer.nodes, ...graph.node],
    input: graph.input.map(info => ({
      ...info,
      name: names.get(info.name ?? '') ?? info.name
    }))
  };
}
