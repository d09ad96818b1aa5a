/** Extends a graph with new nodes and with copies of its nodes on other inputs, and records their shapes. */
import { MoEDebuggerError } from '../../base/errors';
import type { DerivedGraph } from '../../run/gradients/model-gradients';
import type { TensorFacts } from '../../run/gradients/tensor-facts';
import { Graph, type GraphNode } from '../../onnx/graph/graph';
import { NodeWriter } from '../../onnx/graph/node-writer';
import { nodesUpstream } from '../../onnx/graph/walk';
import {
  ELEMENT,
  type GraphProto,
  type NodeProto,
  type ValueInfoProto
} from '../../onnx/file/schema';

/** New tensor names by original names. */
export type Renamed = ReadonlyMap<string, string>;

const SHAPE_ONLY = new Set(['Shape', 'Size']);

export class GraphCopy {
  readonly writer: NodeWriter;
  readonly facts: TensorFacts;
  readonly inputs: ValueInfoProto[] = [];
  private readonly _copied: NodeProto[] = [];
  private readonly _redirected = new Map<NodeProto, Map<string, string>>();
  private _copies = 0;

  constructor(
    readonly graph: Graph,
    facts: TensorFacts,
    private readonly _prefix: string
  ) {
    this.writer = new NodeWriter(`${_prefix}node/`);
    this.facts = facts.copy();
  }

  /**
   * Copies the nodes that compute a tensor, with other inputs of the same shapes.
   *
   * @param given the tensors to start from, and their replacements
   * @param around copies of tensors that do not depend on them; sizes are read from these
   * @returns its new name, and those of all tensors on the path
   */
  copy(
    tensor: string,
    given: Renamed,
    around?: Renamed
  ): { name: string; renamed: Renamed } {
    const renamed = new Map(given);
    for (const node of ancestors(this.graph, tensor, new Set(given.keys()))) {
      const reads = this.graph.reads(node);
      if (
        !reads.some(read => renamed.has(read)) ||
        (around && SHAPE_ONLY.has(node.op))
      ) {
        continue;
      }
      if (reads.length > node.inputs.filter(input => input !== '').length) {
        throw new MoEDebuggerError(
          'model-unsupported',
          `a ${node.op} reads the residual stream inside a subgraph`,
          {
            where: node.name || node.outputs[0],
            hint: 'export the model without loops and branches'
          }
        );
      }
      const name = `${this._prefix}${this._copies++}`;
      const output = node.outputs.map((own, i) => {
        if (own === '') {
          return '';
        }
        renamed.set(own, `${name}:${i}`);
        this.facts.declareLike(`${name}:${i}`, own);
        return `${name}:${i}`;
      });
      this._copied.push({
        ...node.proto,
        name,
        input: node.inputs.map(
          input => renamed.get(input) ?? around?.get(input) ?? input
        ),
        output
      });
    }
    return {
      name: renamed.get(tensor) ?? around?.get(tensor) ?? tensor,
      renamed
    };
  }

  /** A constant of float values in an element type. */
  constant(
    values: readonly number[],
    dims: readonly number[],
    type: number
  ): string {
    const stored = this.writer.floats(values, dims);
    return type === ELEMENT.float
      ? this.declared(stored, dims, type)
      : this.declared(
          this.writer.op('Cast', [stored], { to: type }),
          dims,
          type
        );
  }

  /** Declares a tensor's shape, the same in every run. */
  declared(name: string, dims: readonly number[], type: number): string {
    this.facts.declare(name, [dims, dims], type);
    return name;
  }

  /** Writes a node whose result has the shape and type of another tensor. */
  like(tensor: string, ...node: Parameters<NodeWriter['op']>): string {
    const name = this.writer.op(...node);
    this.facts.declareLike(name, tensor);
    return name;
  }

  /** Makes a node read `to` in place of `from`. */
  redirect(node: GraphNode, from: string, to: string): void {
    const known = this._redirected.get(node.proto) ?? new Map<string, string>();
    this._redirected.set(node.proto, known.set(from, to));
  }

  build(key: string): DerivedGraph {
    const { proto } = this.graph;
    const graph: GraphProto = {
      ...proto,
      node: [
        ...proto.node.map(node => {
          const to = this._redirected.get(node);
          return to
            ? { ...node, input: node.input.map(name => to.get(name) ?? name) }
            : node;
        }),
        ...this._copied,
        ...this.writer.nodes
      ],
      initializer: [...proto.initializer, ...this.writer.initializers],
      input: [...proto.input, ...this.inputs]
    };
    return {
      key,
      facts: this.facts,
      graph: {
        ...graph,
        node: new Graph(graph, this.graph.file).nodes.map(node => node.proto)
      }
    };
  }
}

/**
 * The nodes upstream of a tensor, in graph order, up to some tensors.
 * @param values only nodes that affect values; excludes those that read only shapes
 */
export function ancestors(
  graph: Graph,
  tensor: string,
  ends: ReadonlySet<string>,
  values = false
): GraphNode[] {
  return nodesUpstream(
    graph,
    [tensor],
    ({ op }, made) => !ends.has(made) && !(values && SHAPE_ONLY.has(op))
  );
}

/** Those of some tensors that another is computed from directly, without passing others of them. */
export function valuesRead(
  graph: Graph,
  tensor: string,
  ends: ReadonlySet<string>
): Set<string> {
  return new Set(
    ends.has(tensor)
      ? [tensor]
      : ancestors(graph, tensor, ends, true).flatMap(node =>
          graph.reads(node).filter(read => ends.has(read))
        )
  );
}
