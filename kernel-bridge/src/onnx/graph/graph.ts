/** An ONNX graph with its edges: each tensor's producer and consumers, constant value and declared shape. */
import { MoEDebuggerError } from '../../base/errors';
import type { GraphProto, NodeProto, TensorProto } from '../file/schema';
import { dimsOf, inlineValues } from '../file/tensor';
import { attributeInt, attributeInts, attributeTensor } from './attributes';

/** A node, with its place in topological order. */
export interface GraphNode {
  index: number;
  op: string;
  domain: string;
  name: string;
  inputs: string[];
  outputs: string[];
  proto: NodeProto;
}

/** Names of ONNX's own operator domain. */
const ONNX_DOMAINS = new Set(['', 'ai.onnx']);

export class Graph {
  /** In topological order. */
  readonly nodes: GraphNode[];
  readonly inputs: string[];
  readonly outputs: string[];
  private readonly _producer = new Map<string, GraphNode>();
  private readonly _consumers = new Map<string, GraphNode[]>();
  private readonly _initializers = new Map<string, TensorProto>();
  private readonly _shapes = new Map<string, (number | undefined)[]>();
  private readonly _reads = new Map<GraphNode, string[]>();

  /**
   * @param _parent the enclosing graph of a subgraph, whose constants and inputs are visible inside
   * @throws MoEDebuggerError 'model-invalid' for a cycle, a tensor with two producers, or a node with too many edges
   */
  constructor(
    readonly proto: GraphProto,
    readonly file = '',
    private readonly _parent?: Graph
  ) {
    for (const tensor of proto.initializer) {
      this._initializers.set(tensor.name ?? '', tensor);
    }
    for (const info of [...proto.valueInfo, ...proto.input, ...proto.output]) {
      const shape = info.type?.tensorType?.shape;
      if (info.name && shape) {
        this._shapes.set(
          info.name,
          shape.dim.map(({ dimValue }) =>
            dimValue !== undefined && Number(dimValue) > 0
              ? Number(dimValue)
              : undefined
          )
        );
      }
    }
    // A subgraph reads the inputs of the enclosing graph by name.
    this.inputs =
      this._parent?.inputs ??
      proto.input
        .map(({ name }) => name ?? '')
        .filter(name => !this._initializers.has(name));
    this.outputs = proto.output.map(({ name }) => name ?? '');
    const unordered = proto.node.map((node, index): GraphNode => ({
      index,
      op: ONNX_DOMAINS.has(node.domain ?? '')
        ? (node.opType ?? '')
        : `${node.domain}.${node.opType ?? ''}`,
      domain: node.domain ?? '',
      name: node.name ?? '',
      inputs: node.input,
      outputs: node.output,
      proto: node
    }));
    for (const node of unordered) {
      if (Math.max(node.inputs.length, node.outputs.length) > MAX_EDGES) {
        throw this._invalid(
          `node ${node.name || node.op} has more than ${MAX_EDGES} inputs or outputs`
        );
      }
      this._reads.set(node, readBy(node.proto));
      for (const output of node.outputs) {
        if (output === '') {
          continue;
        }
        if (this._producer.has(output)) {
          throw this._invalid(`tensor ${output} is the output of two nodes`);
        }
        this._producer.set(output, node);
      }
    }
    this.nodes = this._sort(unordered);
    this.nodes.forEach((node, index) => {
      node.index = index;
      for (const input of new Set(this._reads.get(node))) {
        (
          this._consumers.get(input) ??
          this._consumers.set(input, []).get(input)!
        ).push(node);
      }
    });
  }

  /** The enclosing graph of a subgraph (the body of an If, Loop or Scan). */
  get around(): Graph | undefined {
    return this._parent;
  }

  /** The outermost graph: its inputs and outputs are the model's. */
  get root(): Graph {
    return this._parent?.root ?? this;
  }

  producer(tensor: string): GraphNode | undefined {
    return this._producer.get(tensor);
  }

  /** Tensors that a node reads, including those that its subgraphs capture from outside. */
  reads(node: GraphNode): readonly string[] {
    return this._reads.get(node) ?? [];
  }

  /** Nodes that read a tensor, including from inside their subgraphs. */
  consumers(tensor: string): readonly GraphNode[] {
    return this._consumers.get(tensor) ?? [];
  }

  initializer(tensor: string): TensorProto | undefined {
    return this._initializers.get(tensor) ?? this._parent?.initializer(tensor);
  }

  /** True for an initializer, a Constant, and a view of either (see `weightOf`). */
  isConstant(tensor: string): boolean {
    // A Constant may hold plain numbers in the place of a tensor.
    return (
      this.weightOf(tensor) !== undefined ||
      this.constantValues(tensor) !== undefined
    );
  }

  /** The stored tensor of an initializer or a Constant, also behind Identity. */
  constantTensor(tensor: string): TensorProto | undefined {
    let name = tensor;
    for (let view = 0; view < MAX_VIEWS; view++) {
      const stored = this._initializers.get(name);
      if (stored) {
        return stored;
      }
      const node = this._producer.get(name);
      if (!node) {
        return this._parent?.constantTensor(name);
      }
      if (node.op === 'Constant') {
        return attributeTensor(node.proto, 'value');
      }
      if (node.op !== 'Identity') {
        return undefined;
      }
      name = node.inputs[0];
    }
    return undefined;
  }

  /** Values of a small constant; undefined for computed tensors and external data. */
  constantValues(tensor: string, views = MAX_VIEWS): number[] | undefined {
    const node = this._producer.get(tensor);
    if (!node && this._parent && !this._initializers.has(tensor)) {
      return this._parent.constantValues(tensor, views);
    }
    if (node?.op === 'Constant') {
      for (const name of ['value_int', 'value_ints'] as const) {
        const ints =
          name === 'value_int'
            ? attributeInt(node.proto, name)
            : attributeInts(node.proto, name);
        if (ints !== undefined) {
          return typeof ints === 'number' ? [ints] : ints;
        }
      }
      const floats = node.proto.attribute.find(
        ({ name }) => name === 'value_float' || name === 'value_floats'
      );
      if (floats) {
        return floats.name === 'value_float' ? [floats.f ?? 0] : floats.floats;
      }
    }
    if (node && VALUE_PRESERVING.has(node.op)) {
      return views > 0
        ? this.constantValues(node.inputs[0], views - 1)
        : undefined;
    }
    const stored = this.constantTensor(tensor);
    return stored && inlineValues(stored);
  }

  /** The value of a constant with one element (a k, an axis, a scale). */
  constantScalar(tensor: string): number | undefined {
    const values = this.constantValues(tensor);
    return values?.length === 1 ? values[0] : undefined;
  }

  /**
   * The stored weight that a tensor is a view of: through transposes, casts, dequantisation and reshapes.
   * `dims` are those of `tensor`, not of the weight; undefined where they cannot be inferred.
   */
  weightOf(
    tensor: string,
    views = MAX_VIEWS
  ): { tensor: TensorProto; dims?: number[] } | undefined {
    const stored =
      this._initializers.get(tensor) ?? this.constantTensor(tensor);
    if (stored) {
      return { tensor: stored, dims: dimsOf(stored) };
    }
    const node = this._producer.get(tensor);
    if (!node) {
      return this._parent?.weightOf(tensor, views);
    }
    if (!WEIGHT_VIEWS.has(node.op) || views === 0) {
      return undefined;
    }
    const source = this.weightOf(node.inputs[0], views - 1);
    if (!source) {
      return undefined;
    }
    if (node.op === 'Transpose' && source.dims) {
      const perm =
        attributeInts(node.proto, 'perm') ?? [...source.dims.keys()].reverse();
      return { tensor: source.tensor, dims: perm.map(i => source.dims![i]) };
    }
    const keeps =
      VALUE_PRESERVING.has(node.op) || node.op === 'DequantizeLinear';
    return {
      tensor: source.tensor,
      dims:
        keeps && !RESHAPES.has(node.op)
          ? source.dims
          : this.shape(tensor)?.every(n => n !== undefined)
            ? (this.shape(tensor) as number[])
            : undefined
    };
  }

  /** The declared shape; an undefined dim is symbolic. Undefined where the file declares none. */
  shape(tensor: string): (number | undefined)[] | undefined {
    const stored = this._initializers.get(tensor);
    return stored
      ? dimsOf(stored)
      : (this._shapes.get(tensor) ?? this._parent?.shape(tensor));
  }

  elementType(tensor: string): number | undefined {
    const info = [
      ...this.proto.valueInfo,
      ...this.proto.input,
      ...this.proto.output
    ].find(({ name }) => name === tensor);
    return (
      info?.type?.tensorType?.elemType ??
      this._initializers.get(tensor)?.dataType
    );
  }

  private _sort(nodes: GraphNode[]): GraphNode[] {
    // Depth first, without recursion. Most files are sorted already, so the stack stays short.
    const done = new Set<GraphNode>();
    const open = new Set<GraphNode>();
    const order: GraphNode[] = [];
    for (const root of nodes) {
      // `next` is the first input to look at: the producers of those before it are done.
      const stack = done.has(root) ? [] : [{ node: root, next: 0 }];
      while (stack.length > 0) {
        const top = stack[stack.length - 1];
        const { node } = top;
        open.add(node);
        const inputs = this._reads.get(node)!;
        let pending: GraphNode | undefined;
        while (!pending && top.next < inputs.length) {
          const source = this._producer.get(inputs[top.next++]);
          pending = source && !done.has(source) ? source : undefined;
        }
        if (pending && open.has(pending)) {
          throw this._invalid(
            `node ${node.name || node.op} is part of a cycle`
          );
        }
        if (pending) {
          stack.push({ node: pending, next: 0 });
        } else {
          open.delete(node);
          done.add(node);
          order.push(node);
          stack.pop();
        }
      }
    }
    return order;
  }

  private _invalid(what: string): MoEDebuggerError {
    return new MoEDebuggerError(
      'model-invalid',
      `the graph is not valid: ${what}`,
      {
        where: this.file,
        hint: 'export the model again'
      }
    );
  }
}

const VALUE_PRESERVING = new Set([
  'Identity',
  'Cast',
  'Reshape',
  'Squeeze',
  'Unsqueeze',
  'Flatten'
]);
const RESHAPES = new Set(['Reshape', 'Squeeze', 'Unsqueeze', 'Flatten']);
const WEIGHT_VIEWS = new Set([
  ...VALUE_PRESERVING,
  'Transpose',
  'DequantizeLinear',
  'DequantizeBFP'
]);

/** More inputs or outputs than any operator of a real graph has. */
const MAX_EDGES = 1 << 16;
/** Chained views that are followed; exporters write a few. */
const MAX_VIEWS = 64;

/** Names of the tensors that a node reads, including those that its subgraphs capture from outside. */
function readBy(node: NodeProto): string[] {
  const names = node.input.filter(name => name !== '');
  for (const attribute of node.attribute) {
    for (const body of attribute.g
      ? [attribute.g, ...attribute.graphs]
      : attribute.graphs) {
      const own = new Set([
        ...body.input.map(({ name }) => name),
        ...body.initializer.map(({ name }) => name),
        ...body.node.flatMap(({ output }) => output)
      ]);
      const read = [
        ...body.node.flatMap(readBy),
        ...body.output.map(({ name }) => name ?? '')
      ];
      for (const name of read) {
        if (name !== '' && !own.has(name)) {
          names.push(name);
        }
      }
    }
  }
  return names;
}
