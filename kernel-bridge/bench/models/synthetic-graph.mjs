/** Collects the nodes and weights of a model that is too large to hold: weights are noted with their places in a file. */
export const FLOAT = 1;
export const INT64 = 7;
/** The file beside the model that the weights lie in. */
export const DATA = 'model.onnx.data';

export class SyntheticGraph {
  nodes = [];
  inputs = [];
  outputs = [];
  initializers = [];
  /** Weights in the order of the data file. */
  stored = [];
  _offset = 0;
  _count = 0;

  op(opType, input, attributes = {}, outputs = 1) {
    const output = Array.from(
      { length: outputs },
      () => `/${opType}_${this._count++}_output_0`
    );
    this.nodes.push({
      opType,
      name: output[0].slice(0, -9),
      input,
      output,
      attribute: Object.entries(attributes).map(([name, value]) =>
        attribute(name, value)
      )
    });
    return outputs === 1 ? output[0] : output;
  }

  weight(name, dims) {
    const elements = dims.reduce((product, n) => product * n, 1);
    this.initializers.push({
      ...empty,
      name,
      dims,
      dataType: FLOAT,
      dataLocation: 1,
      externalData: [
        { key: 'location', value: DATA },
        { key: 'offset', value: String(this._offset) },
        { key: 'length', value: String(elements * 4) }
      ]
    });
    this._offset += elements * 4;
    // Scaled so that a product keeps the size of its input.
    this.stored.push({
      elements,
      scale: dims.length > 1 ? Math.sqrt(3 / dims[0]) : 1,
      ones: dims.length === 1
    });
    return name;
  }

  ints(values, dims = [values.length]) {
    return this._constant(
      INT64,
      dims,
      new Uint8Array(BigInt64Array.from(values, BigInt).buffer)
    );
  }

  floats(values, dims = [values.length]) {
    return this._constant(
      FLOAT,
      dims,
      new Uint8Array(Float32Array.from(values).buffer)
    );
  }

  input(name, elemType, dims) {
    this.inputs.push(valueInfo(name, elemType, dims));
    return name;
  }

  output(tensor, name, dims) {
    this.nodes.push({
      opType: 'Identity',
      input: [tensor],
      output: [name],
      attribute: []
    });
    this.outputs.push(valueInfo(name, FLOAT, dims));
  }

  model() {
    return {
      irVersion: 8,
      producerName: 'synthetic-model',
      opsetImport: [{ domain: '', version: 17 }],
      functions: [],
      graph: {
        name: 'main_graph',
        node: this.nodes,
        initializer: this.initializers,
        input: this.inputs,
        output: this.outputs,
        valueInfo: []
      }
    };
  }

  _constant(dataType, dims, rawData) {
    return this.op('Constant', [], {
      value: { ...empty, dims, dataType, rawData }
    });
  }
}

const empty = {
  dims: [],
  floatData: [],
  int32Data: [],
  int64Data: [],
  doubleData: [],
  uint64Data: [],
  externalData: []
};

function attribute(name, value) {
  const none = {
    name,
    floats: [],
    ints: [],
    strings: [],
    tensors: [],
    graphs: []
  };
  if (typeof value === 'number') {
    return { ...none, type: 2, i: value };
  }
  if (typeof value === 'string') {
    return { ...none, type: 3, s: Buffer.from(value) };
  }
  return Array.isArray(value)
    ? { ...none, type: 7, ints: value }
    : { ...none, type: 4, t: value };
}

function valueInfo(name, elemType, dims) {
  const dim = dims.map(value =>
    typeof value === 'number' ? { dimValue: value } : { dimParam: value }
  );
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}
