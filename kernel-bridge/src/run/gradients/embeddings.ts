/** Finds the embeddings of token ids in a graph, and replaces them by interpolations between them and a baseline. */
import type { Graph, GraphNode } from '../../onnx/graph/graph';
import { walk } from '../../onnx/graph/walk';
import { passedOn } from '../../onnx/graph/no-ops';
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

/**
 * The float tensor with the embeddings of an input of token ids.
 * @throws MoEDebuggerError 'gradient' when the graph has no embedding lookup of this input
 */
export function findEmbeddings(
  graph: Graph,
  input: string,
  types: ReadonlyMap<string, number>
): string {
  for (const { tensor, nodes } of walk(graph, [input], {
    direction: 'downstream',
    through: (node, from) => passedOn(graph, node) === from
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
    `the graph has no embedding lookup of ${input}`,
    {
      where: graph.file,
      hint: 'export the model with token ids as its input'
    }
  );
}

/** The float rows of a lookup; rows of a quantised table are dequantised after it. */
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

/** A graph whose embeddings are interpolated between a baseline and their own values. */
export interface InterpolatedGraph {
  graph: GraphProto;
  /** Interpolated embeddings, baseline + scale (embeddings - baseline), [batch, tokens, width]. */
  embeddings: string;
  /** The model's own embeddings. */
  original: string;
  /** Added inputs, float32: scale [batch, 1 or tokens, 1], and baseline, of any shape that broadcasts to embeddings. */
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
