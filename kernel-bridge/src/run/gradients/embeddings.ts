/** Where token ids become vectors, and the place in the graph where other vectors are put in their stead. */
import type { Graph, GraphNode } from '../../onnx/graph/graph';
import { walk } from '../../onnx/graph/walk';
import { NodeWriter } from '../../onnx/graph/node-writer';
import { FLOAT_TYPES } from '../../onnx/graph/element-types';
import { MoEDebuggerError } from '../../base/errors';
import {
  ELEMENT,
  type GraphProto,
  type ValueInfoProto
} from '../../onnx/file/schema';
import { GRADIENT_PREFIX } from './tape';

const LOOKUPS = new Set(['Gather', 'com.microsoft.GatherBlockQuantized']);
const VIEWS = new Set([
  'Identity',
  'Cast',
  'Reshape',
  'Unsqueeze',
  'Squeeze',
  'Flatten'
]);

/**
 * The float tensor that holds a vector for each token id of an input.
 * @throws MoEDebuggerError 'gradient' when the ids index no stored table
 */
export function findEmbeddings(
  graph: Graph,
  input: string,
  types: ReadonlyMap<string, number>
): string {
  for (const { tensor, nodes } of walk(graph, [input], {
    direction: 'downstream',
    through: ({ op, inputs }, from) => VIEWS.has(op) && inputs[0] === from
  })) {
    for (const node of nodes) {
      const found =
        LOOKUPS.has(node.op) && node.inputs[1] === tensor
          ? asFloat(graph, node, types)
          : undefined;
      if (found) {
        return found;
      }
    }
  }
  throw new MoEDebuggerError(
    'gradient',
    `the graph looks up no vectors by ${input}`,
    {
      where: graph.file,
      hint: 'export the model with token ids as its input'
    }
  );
}

/** Rows of a quantised table are scaled after they were looked up. */
function asFloat(
  graph: Graph,
  node: GraphNode,
  types: ReadonlyMap<string, number>
): string | undefined {
  const [rows] = node.outputs;
  if (!graph.isConstant(node.inputs[0])) {
    return undefined;
  }
  if (FLOAT_TYPES.has(types.get(rows) ?? ELEMENT.float)) {
    return rows;
  }
  const scaled = graph
    .consumers(rows)
    .find(({ op }) => op === 'DequantizeLinear' || op === 'Cast');
  return scaled?.outputs[0];
}

/** A graph whose embeddings are moved between a baseline and their own values. */
export interface InterpolatedGraph {
  graph: GraphProto;
  /** What the model reads now: baseline + scale (embeddings - baseline), [batch, tokens, width]. */
  embeddings: string;
  /** The model's own. */
  original: string;
  /** Inputs: the scale [batch, 1 or tokens, 1], and the baseline, of any shape that repeats to the embeddings'. */
  scale: string;
  baseline: string;
}

/** With a scale of 1 and a baseline of 0 the graph computes what it did before, bit for bit. */
export function interpolateEmbeddings(
  graph: Graph,
  original: string,
  type: number
): InterpolatedGraph {
  const writer = new NodeWriter(`${GRADIENT_PREFIX}embeddings/`);
  const scale = `${GRADIENT_PREFIX}scale`;
  const baseline = `${GRADIENT_PREFIX}baseline`;
  const typed = (input: string): string =>
    type === ELEMENT.float ? input : writer.op('Cast', [input], { to: type });
  const base = typed(baseline);
  const embeddings = writer.op('Add', [
    base,
    writer.op('Mul', [typed(scale), writer.op('Sub', [original, base])])
  ]);
  const proto = graph.proto;
  return {
    graph: {
      ...proto,
      node: [
        ...proto.node.map(node =>
          node.input.includes(original)
            ? {
                ...node,
                input: node.input.map(name =>
                  name === original ? embeddings : name
                )
              }
            : node
        ),
        ...writer.nodes
      ],
      initializer: [...proto.initializer, ...writer.initializers],
      input: [
        ...proto.input,
        floatInput(scale, [`${scale}_rows`, `${scale}_tokens`, 1]),
        floatInput(baseline, [
          `${baseline}_rows`,
          `${baseline}_tokens`,
          `${baseline}_width`
        ])
      ]
    },
    embeddings,
    original,
    scale,
    baseline
  };
}

export function floatInput(
  name: string,
  dims: readonly (number | string)[]
): ValueInfoProto {
  return inputOf(name, ELEMENT.float, dims);
}

export function inputOf(
  name: string,
  elemType: number,
  dims: readonly (number | string)[]
): ValueInfoProto {
  return {
    name,
    type: {
      tensorType: {
        elemType,
        shape: {
          dim: dims.map(dim =>
            typeof dim === 'number' ? { dimValue: dim } : { dimParam: dim }
          )
        }
      }
    }
  };
}
