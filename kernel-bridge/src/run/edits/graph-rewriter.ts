/** Adds nodes to a copy of a graph and redirects inputs to them; the original graph stays unchanged. */
import { writeAttribute } from '../../onnx/graph/attributes';
import { elementTypes } from '../../onnx/graph/element-types';
import { Graph, type GraphNode } from '../../onnx/graph/graph';
import {
  ELEMENT,
  type GraphProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto
} from '../../onnx/file/schema';

export const EDIT_PREFIX = 'moe_debugger/edit/';

export class GraphRewriter {
  /** Added inputs, to be declared by the model's outermost graph. */
  readonly inputs: ValueInfoProto[] = [];
  private readonly _nodes: NodeProto[] = [];
  private readonly _initializers = new Map<string, TensorProto>();
  private readonly _redirected = new Map<NodeProto, string[]>();
  private readonly _renamed = new Map<NodeProto, string[]>();
  private readonly _declared: ValueInfoProto[] = [];
  private readonly _shapeless = new Set<string>();
  private readonly _copies = new Map<NodeProto, NodeProto>();
  private _types?: Map<string, number>;

  /** @param _prefix distinguishes additions to the two branches of an If */
  constructor(
    readonly graph: Graph,
    private readonly _opset: number,
    private readonly _prefix = ''
  ) {}

  /** Declares an input of the model. Both branches of an If share it. */
  input(
    name: string,
    type: 'float' | 'int64' | 'bool',
    dims: (number | string)[]
  ): string {
    const full = EDIT_PREFIX + name;
    this.inputs.push({
      name: full,
      type: {
        tensorType: {
          elemType: ELEMENT[type],
          shape: {
            dim: dims.map(dim =>
              typeof dim === 'number' ? { dimValue: dim } : { dimParam: dim }
            )
          }
        }
      }
    });
    return full;
  }

  /** Adds a node with one output and returns that output's name. */
  add(
    op: string,
    inputs: string[],
    attributes: Record<string, number | readonly number[]> = {}
  ): string {
    return this.copy(
      {
        opType: op,
        input: inputs,
        output: [''],
        attribute: Object.entries(attributes).map(([name, value]) =>
          writeAttribute(name, value)
        )
      },
      inputs
    );
  }

  /** Copies a node with one output, with other inputs. */
  copy(node: NodeProto, inputs: string[]): string {
    const output = `${this._prefix}${EDIT_PREFIX}node/${this._nodes.length}`;
    this._nodes.push({
      ...node,
      name: output,
      input: inputs,
      output: [output]
    });
    return output;
  }

  /** Adds a node that computes a tensor in place of the node that did: all readers of the tensor read the new one. */
  recompute(
    { proto, index }: GraphNode,
    tensor: string,
    op: string,
    inputs: string[],
    attributes: Record<string, number | readonly number[]>
  ): void {
    const outputs = this._renamed.get(proto) ?? proto.output;
    const at = outputs.indexOf(tensor);
    const before = `${this._prefix}${EDIT_PREFIX}before/${index}_${at}`;
    this._renamed.set(
      proto,
      outputs.map((output, i) => (i === at ? before : output))
    );
    this.add(op, inputs, attributes);
    const added = this._nodes[this._nodes.length - 1];
    this._nodes[this._nodes.length - 1] = { ...added, output: [tensor] };
  }

  /** A constant list of integers. */
  ints(...values: number[]): string {
    const name = `${this._prefix}${EDIT_PREFIX}ints/${values.join('_')}`;
    this._initializers.set(name, {
      name,
      dims: [values.length],
      dataType: ELEMENT.int64,
      int64Data: values,
      floatData: [],
      int32Data: [],
      doubleData: [],
      uint64Data: [],
      externalData: []
    });
    return name;
  }

  /** A constant of one value, of the element type of another tensor. */
  scalarLike(value: number, like: string): string {
    const name = `${this._prefix}${EDIT_PREFIX}float/${value}`;
    this._initializers.set(name, {
      name,
      dims: [],
      dataType: ELEMENT.float,
      floatData: [value],
      int32Data: [],
      int64Data: [],
      doubleData: [],
      uint64Data: [],
      externalData: []
    });
    return this.castLike(name, like);
  }

  /** A reduction such as ReduceMax, whose axes became an input in opset 18. */
  reduce(
    op: string,
    tensor: string,
    axes: readonly number[],
    keepdims: number
  ): string {
    return this._opset >= REDUCTIONS_READ_AXES
      ? this.add(op, [tensor, this.ints(...axes)], { keepdims })
      : this.add(op, [tensor], { keepdims, axes });
  }

  /** True for float16, and for tensors whose type is unknown: what fits into float16 fits into all types. */
  isHalf(tensor: string): boolean {
    const type = this._typeOf(tensor);
    return type === undefined || type === ELEMENT.float16;
  }

  private _typeOf(tensor: string): number | undefined {
    return (this._types ??= elementTypes(this.graph)).get(tensor);
  }

  /** Casts the float32 `tensor` to the element type of another. */
  castLike(tensor: string, like: string): string {
    const type = this._typeOf(like);
    if (type === ELEMENT.float) {
      return tensor;
    }
    return this._opset >= CAST_LIKE
      ? this.add('CastLike', [tensor, like])
      : type === undefined
        ? tensor
        : this.add('Cast', [tensor], { to: type });
  }

  /** Makes a node read `to` in place of `from`. */
  redirect(node: GraphNode, from: string, to: string): void {
    const inputs = this._redirected.get(node.proto) ?? [...node.proto.input];
    this._redirected.set(
      node.proto,
      inputs.map(input => (input === from ? to : input))
    );
  }

  /** Declares an added tensor's shape as that of another: onnxruntime fuses only nodes of known shapes. */
  shapeLike(tensor: string, like: string): void {
    const info = this.graph.proto.valueInfo.find(({ name }) => name === like);
    if (info) {
      this._declared.push({ ...info, name: tensor });
    }
  }

  /** Removes the declared shape of a tensor that an edit changes. */
  dropShape(tensor: string): void {
    this._shapeless.add(tensor);
  }

  /** The graph with the additions, in topological order; inputs of a branch belong to its outermost graph. */
  build(): GraphProto {
    const { proto, file } = this.graph;
    const edited: GraphProto = {
      ...proto,
      node: [
        ...proto.node.map(node => {
          const input = this._redirected.get(node);
          const output = this._renamed.get(node);
          if (!input && !output) {
            return node;
          }
          const copy = {
            ...node,
            ...(input && { input }),
            ...(output && { output })
          };
          this._copies.set(node, copy);
          return copy;
        }),
        ...this._nodes
      ],
      initializer: [...proto.initializer, ...this._initializers.values()],
      valueInfo: [...proto.valueInfo, ...this._declared].filter(
        ({ name }) => !this._shapeless.has(name ?? '')
      )
    };
    return {
      ...edited,
      node: new Graph(edited, file).nodes.map(node => node.proto)
    };
  }

  /** A node of the original graph as the graph that was built has it. */
  copyOf({ proto }: GraphNode): NodeProto {
    return this._copies.get(proto) ?? proto;
  }
}

const CAST_LIKE = 15;
const REDUCTIONS_READ_AXES = 18;
