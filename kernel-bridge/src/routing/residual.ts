/**
 * Finds the residual stream: the tensor that each part of a transformer reads and adds to. It starts at the embedding
 * lookup. A join is a sum of the stream and a branch, which is computed from the stream with stored weights; the stream
 * goes on as the sum.
 */
import type { Graph, GraphNode } from '../onnx/graph/graph';
import { attributeInts } from '../onnx/graph/attributes';
import { passedOn } from '../onnx/graph/no-ops';
import { walk } from '../onnx/graph/walk';
import { attentionOperands } from './attention';
import { isWeightProduct } from './router-input';

/** A node that adds a branch to the stream. */
export interface Join {
  /** Index of the adding node. */
  node: number;
  /** Number of joins that the branch depends on; with parallel branches fewer than there are before this one. */
  from: number;
  /** The added tensor; of several, the one that depends on the most joins. */
  branch: string;
  /** The branch mixes tokens: attention, a convolution, a recurrence. */
  mixes: boolean;
}

/**
 * 'stream': the stream itself, also scaled or normalised. 'statistic': a statistic of it, such as the mean in a norm.
 * 'branch': computed from it with weights, a choice or attention.
 */
type Kind = 'stream' | 'statistic' | 'branch';

/** The position of a tensor that is computed from the stream. */
export interface StreamPlace {
  decoder: boolean;
  /** Number of joins that the tensor depends on. */
  joins: number;
  kind: Kind;
  mixes: boolean;
  /** Computed from a choice, so that a product with it dispatches tokens and does not mix them. */
  chosen: boolean;
}

export interface ResidualStream {
  place(tensor: string): StreamPlace | undefined;
  encoder: Join[];
  decoder: Join[];
}

/** Sums; the fused ones also normalise the sum. */
const SUMS = new Set([
  'Add',
  'Sum',
  'com.microsoft.SkipLayerNormalization',
  'com.microsoft.SkipSimplifiedLayerNormalization'
]);
/** Operators that read only the shape of a tensor, so that their results do not depend on its values. */
const SHAPE_ONLY = new Set(['Shape', 'Size', 'ConstantOfShape']);
/** Operators, besides no-ops, whose output is still the stream. */
const KEEPS_STREAM = new Set([
  ...SUMS,
  'Mul',
  'Div',
  'Sub',
  'Clip',
  'Dropout',
  'DequantizeLinear',
  'Where',
  'Pow',
  'LayerNormalization',
  'RMSNormalization',
  'SimplifiedLayerNormalization',
  'com.microsoft.SimplifiedLayerNormalization',
  'com.microsoft.EmbedLayerNormalization'
]);
const LOOKUPS = new Set([
  'Gather',
  'com.microsoft.GatherBlockQuantized',
  'com.microsoft.EmbedLayerNormalization'
]);
const CHOICES = new Set(['TopK', 'ArgMax', 'ArgMin', 'NonZero', 'OneHot']);
const ACTIVATION_PRODUCTS = new Set([
  'MatMul',
  'Einsum',
  'com.microsoft.FusedMatMul',
  'com.microsoft.TransposeMatMul'
]);
/** Operators between the token ids and their lookup, besides no-ops. */
const INDEX_STEPS = new Set(['Slice', 'Gather', 'Where', 'Clip', 'Add', 'Mul']);
const MAX_STEPS = 12;

/** Input of the decoder's token ids in encoder-decoder models: its name is part of the exporters' interface. */
const DECODER_INPUT = 'decoder_input_ids';

export function hasTwoStacks(graph: Graph): boolean {
  return graph.inputs.includes(DECODER_INPUT);
}

export function findResidualStream(graph: Graph): ResidualStream {
  const places = new Map<string, StreamPlace>();
  const decoderOnly = new Set<string>(
    hasTwoStacks(graph) ? [DECODER_INPUT] : []
  );
  const joins: Record<'encoder' | 'decoder', Join[]> = {
    encoder: [],
    decoder: []
  };
  for (const node of graph.nodes) {
    if (SHAPE_ONLY.has(node.op)) {
      continue;
    }
    const decoder = node.inputs.some(input => decoderOnly.has(input));
    if (decoder) {
      node.outputs.forEach(output => decoderOnly.add(output));
    }
    const same = passedOn(graph, node);
    const handed = same === undefined ? undefined : places.get(same);
    if (handed?.decoder === decoder) {
      setAll(places, node, handed);
      continue;
    }
    const inputs = node.inputs.flatMap(input => {
      const place = places.get(input);
      // Encoder states that a decoder reads are not part of the decoder's stream.
      return place && place.decoder === decoder ? [place] : [];
    });
    if (inputs.length === 0) {
      if (LOOKUPS.has(node.op) && looksUpTokens(graph, node)) {
        setAll(places, node, {
          decoder,
          joins: 0,
          kind: 'stream',
          mixes: false,
          chosen: false
        });
      }
      continue;
    }
    const join = readJoin(node, places, decoder);
    if (join) {
      const list = joins[decoder ? 'decoder' : 'encoder'];
      list.push(join);
      setAll(places, node, {
        decoder,
        joins: list.length,
        kind: 'stream',
        mixes: false,
        chosen: false
      });
      continue;
    }
    setAll(places, node, follow(graph, node, inputs, places));
  }
  return { place: tensor => places.get(tensor), ...joins };
}

function setAll(
  places: Map<string, StreamPlace>,
  node: GraphNode,
  place: StreamPlace
): void {
  for (const output of node.outputs) {
    places.set(output, place);
  }
}

/** True for an embedding lookup: a gather of stored rows at indices that come from a graph input. */
function looksUpTokens(graph: Graph, node: GraphNode): boolean {
  if (node.op === 'com.microsoft.EmbedLayerNormalization') {
    return true;
  }
  if (graph.weightOf(node.inputs[0]) === undefined) {
    return false;
  }
  for (const { tensor, nodes } of walk(graph, [node.inputs[1]], {
    direction: 'upstream',
    maxDepth: MAX_STEPS,
    through: (node, from) => {
      const same = passedOn(graph, node);
      return same !== undefined
        ? [same]
        : INDEX_STEPS.has(node.op) && !graph.isConstant(from) && node.inputs;
    }
  })) {
    if (nodes.length === 0 && !graph.isConstant(tensor)) {
      return true;
    }
  }
  return false;
}

/** Reads a sum of the stream and a branch, which may depend on fewer joins than the stream. */
function readJoin(
  node: GraphNode,
  places: ReadonlyMap<string, StreamPlace>,
  decoder: boolean
): Join | undefined {
  if (!SUMS.has(node.op)) {
    return undefined;
  }
  // Inputs after the second of a fused sum are weights.
  const operands = (
    node.op === 'Sum' ? node.inputs : node.inputs.slice(0, 2)
  ).flatMap(tensor => {
    const place = places.get(tensor);
    return place?.decoder === decoder ? [{ tensor, place }] : [];
  });
  const stream = operands.find(({ place }) => place.kind === 'stream');
  const branches = operands.filter(({ place }) => place.kind === 'branch');
  if (
    !stream ||
    branches.length === 0 ||
    branches.some(({ place }) => place.joins > stream.place.joins)
  ) {
    return undefined;
  }
  return {
    node: node.index,
    branch: branches.reduce((latest, branch) =>
      branch.place.joins >= latest.place.joins ? branch : latest
    ).tensor,
    from: Math.min(...branches.map(({ place }) => place.joins)),
    mixes: branches.some(({ place }) => place.mixes)
  };
}

/** The position of a node's outputs, from those of its inputs. */
function follow(
  graph: Graph,
  node: GraphNode,
  inputs: StreamPlace[],
  places: ReadonlyMap<string, StreamPlace>
): StreamPlace {
  const joins = Math.max(...inputs.map(place => place.joins));
  // Only the inputs after the latest join determine what happened since.
  const current = inputs.filter(place => place.joins === joins);
  const mixes =
    current.some(place => place.mixes) || mixesTokens(graph, node, places);
  const chosen = current.some(place => place.chosen) || CHOICES.has(node.op);
  const kind: Kind =
    inputs.some(place => place.kind === 'branch') ||
    mixes ||
    chosen ||
    isWeightProduct(graph, node)
      ? 'branch'
      : KEEPS_STREAM.has(node.op) &&
          inputs.some(place => place.kind === 'stream')
        ? 'stream'
        : 'statistic';
  return { decoder: inputs[0].decoder, joins, kind, mixes, chosen };
}

/** True for a node by which values of one token reach another. */
function mixesTokens(
  graph: Graph,
  node: GraphNode,
  places: ReadonlyMap<string, StreamPlace>
): boolean {
  const own = places.get(node.inputs.find(input => places.has(input)) ?? '');
  const isBranch = (input: string): boolean => {
    const place = places.get(input);
    return (
      place?.kind === 'branch' &&
      !place.chosen &&
      place.decoder === own?.decoder
    );
  };
  switch (node.op) {
    case 'Conv':
      return (
        places.has(node.inputs[0]) &&
        (
          attributeInts(node.proto, 'kernel_shape') ??
          graph.weightOf(node.inputs[1])?.dims?.slice(2) ??
          []
        ).some(size => size > 1)
      );
    case 'CumSum':
      return isBranch(node.inputs[0]);
    case 'Scan':
      return true;
    default:
      if (ACTIVATION_PRODUCTS.has(node.op)) {
        return (
          node.inputs.slice(0, 2).every(isBranch) && node.inputs.length > 1
        );
      }
      // Cross-attention does not mix the tokens of its own stack.
      return (
        attentionOperands(graph, node)?.every(
          operand => places.get(operand)?.decoder === own?.decoder
        ) ?? false
      );
  }
}
