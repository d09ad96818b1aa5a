/** Collects nodes, in topological order, and constants to add to a graph. */
import {
  ELEMENT,
  type Int64,
  type NodeProto,
  type TensorProto
} from '../file/schema';
import { writeAttribute, type AttributeValue } from './attributes';

export class NodeWriter {
  readonly nodes: NodeProto[] = [];
  private readonly _constants = new Map<string, TensorProto>();

  /** @param _prefix starts all names, so that they do not collide with the graph's own */
  constructor(private readonly _prefix: string) {}

  get initializers(): TensorProto[] {
    return [...this._constants.values()];
  }

  /**
   * Adds a node with one output and returns that output's name.
   * @param op an operator, after its domain unless that is ONNX's own, as in `com.microsoft.MoE`
   */
  op(
    op: string,
    inputs: readonly string[],
    attributes: Record<string, AttributeValue> = {}
  ): string {
    return this.many(op, inputs, 1, attributes)[0];
  }

  /** Adds a node with several outputs. */
  many(
    op: string,
    inputs: readonly string[],
    outputs: number,
    attributes: Record<string, AttributeValue> = {}
  ): string[] {
    const name = this._name(op);
    const names =
      outputs === 1
        ? [name]
        : Array.from({ length: outputs }, (_, i) => `${name}:${i}`);
    this.into(names, op, inputs, attributes);
    return names;
  }

  /** Adds a node with given names of outputs. */
  into(
    outputs: readonly string[],
    op: string,
    inputs: readonly string[],
    attributes: Record<string, AttributeValue> = {}
  ): void {
    const point = op.lastIndexOf('.');
    this.nodes.push({
      name: `${this._prefix}node/${this.nodes.length}`,
      opType: op.slice(point + 1),
      ...(point < 0 ? {} : { domain: op.slice(0, point) }),
      input: [...inputs],
      output: [...outputs],
      attribute: Object.entries(attributes).map(([key, value]) =>
        writeAttribute(key, value)
      )
    });
  }

  /** Adds a copy of a node with one output that reads other inputs. */
  copy(node: NodeProto, inputs: readonly string[]): string {
    const output = this._name(node.opType ?? '');
    this.nodes.push({
      ...node,
      name: output,
      input: [...inputs],
      output: [output]
    });
    return output;
  }

  /** An int64 constant, [values]. */
  ints(values: readonly number[]): string {
    return this._constant('ints', ELEMENT.int64, [values.length], values);
  }

  /** An int64 constant scalar. */
  int(value: number): string {
    return this._constant('int', ELEMENT.int64, [], [value]);
  }

  /** A float32 constant. Default dims [] for one value, else [values]. */
  floats(
    values: readonly number[],
    dims: readonly number[] = values.length === 1 ? [] : [values.length]
  ): string {
    return this._constant('floats', ELEMENT.float, dims, values);
  }

  /** A float64 constant. Default dims [] for one value, else [values]. */
  doubles(
    values: readonly number[],
    dims: readonly number[] = values.length === 1 ? [] : [values.length]
  ): string {
    return this._constant('doubles', ELEMENT.double, dims, values);
  }

  private _constant(
    kind: string,
    dataType: number,
    dims: readonly number[],
    values: readonly number[]
  ): string {
    const key = `${kind}/${dims.join('x')}/${values.map(value => (Object.is(value, -0) ? '-0' : value)).join(',')}`;
    const known = this._constants.get(key);
    if (known) {
      return known.name!;
    }
    const name = `${this._prefix}constant/${this._constants.size}`;
    this._constants.set(key, {
      ...storedTensor(name, dataType, dims),
      ...(dataType === ELEMENT.int64
        ? { int64Data: [...values] }
        : dataType === ELEMENT.double
          ? { doubleData: [...values] }
          : { floatData: [...values] })
    });
    return name;
  }

  private _name(op: string): string {
    return `${this._prefix}${op.slice(op.lastIndexOf('.') + 1)}/${this.nodes.length}`;
  }
}

/** A TensorProto without values. */
export function storedTensor(
  name: string,
  dataType: number,
  dims: readonly Int64[]
): TensorProto {
  return {
    name,
    dataType,
    dims: [...dims],
    floatData: [],
    int32Data: [],
    int64Data: [],
    doubleData: [],
    uint64Data: [],
    externalData: []
  };
}
