/** Ways in which a model file comes damaged or forged: of its bytes, and of the message that the bytes hold. */
import {
  decodeModelProto,
  encodeModelProto,
  type AttributeProto,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto
} from '../src/onnx/file/schema';
import { below, onBytes, pick, type Random } from './byte-mutations';
import { tensor } from './graph-builder';

export interface Mutant {
  /** What was done, for the report of a failure. */
  how: string;
  bytes: Uint8Array;
}

type GraphMutation = (
  graph: GraphProto,
  random: Random,
  model: ModelProto
) => void;

const ABSURD = [
  0,
  -1,
  1,
  2 ** 31,
  2 ** 40,
  Number.MAX_SAFE_INTEGER,
  -(2 ** 53)
];
const LOCATIONS = [
  '/etc/passwd',
  '../../secret',
  'a/../../b',
  'C:\\x',
  '',
  '.',
  'missing.bin',
  'model.onnx',
  'x'.repeat(5000),
  'a\0b',
  '/dev/zero'
];

const attribute = (
  node: NodeProto,
  random: Random
): AttributeProto | undefined =>
  node.attribute[below(random, node.attribute.length)];
const anyNode = (graph: GraphProto, random: Random): NodeProto =>
  pick(random, graph.node);
const anyTensor = (graph: GraphProto, random: Random): TensorProto =>
  pick(random, graph.initializer);
const anyName = (graph: GraphProto, random: Random): string => {
  const node = anyNode(graph, random);
  return pick(random, [...node.input, ...node.output, '']) ?? '';
};

const onGraph: Record<string, GraphMutation> = {
  'close a cycle': (graph, random) => {
    const from = below(random, graph.node.length);
    const early = graph.node[below(random, from + 1)];
    early.input[below(random, Math.max(1, early.input.length))] =
      graph.node[from].output[0] ?? 'x';
  },
  'feed a node with itself': (graph, random) => {
    const node = anyNode(graph, random);
    node.input = [...node.output];
  },
  'make a tensor twice': (graph, random) => {
    anyNode(graph, random).output[0] = anyNode(graph, random).output[0] ?? '';
  },
  'rewire an input': (graph, random) => {
    const node = anyNode(graph, random);
    node.input[below(random, node.input.length + 1)] = anyName(graph, random);
  },
  'remove inputs': (graph, random) => {
    const node = anyNode(graph, random);
    node.input = node.input.slice(0, below(random, node.input.length));
  },
  'remove outputs': (graph, random) => {
    const node = anyNode(graph, random);
    node.output = node.output.slice(0, below(random, node.output.length));
  },
  'remove attributes': (graph, random) => {
    anyNode(graph, random).attribute = [];
  },
  'change an operator': (graph, random) => {
    const operators = [
      'TopK',
      'Softmax',
      'MatMul',
      'Reshape',
      'Constant',
      'ScatterElements',
      'Where',
      'If',
      'Transpose',
      'ArgMax',
      'DequantizeLinear',
      'Identity',
      'Einsum',
      'Gather'
    ];
    const node = anyNode(graph, random);
    node.opType = pick(random, [
      ...operators,
      '',
      undefined,
      'com.microsoft.MoE'
    ]);
    node.domain = pick(random, [node.domain, 'com.microsoft', 'ai.onnx', '\0']);
  },
  'change an attribute': (graph, random) => {
    const found = attribute(
      pick(
        random,
        graph.node.filter(node => node.attribute.length > 0)
      ),
      random
    );
    if (found) {
      found.i = pick(random, ABSURD);
      found.f = pick(random, [NaN, Infinity, 0]);
      found.ints = Array.from({ length: below(random, 9) }, () =>
        pick(random, ABSURD)
      );
      found.name = pick(random, [
        found.name,
        undefined,
        'value',
        'perm',
        'axis',
        'then_branch'
      ]);
    }
  },
  'nest the graph in a node': (graph, random) => {
    const node = anyNode(graph, random);
    node.opType = pick(random, ['If', 'Loop', 'Scan', 'Softmax']);
    node.attribute = [
      {
        name: 'then_branch',
        type: 5,
        g: {
          ...graph,
          node: graph.node.slice(0, 20).map(inner => ({ ...inner })),
          initializer: []
        },
        floats: [],
        ints: [],
        strings: [],
        tensors: [],
        graphs: []
      }
    ];
  },
  'remove an initializer': (graph, random) => {
    graph.initializer.splice(
      below(random, graph.initializer.length),
      1 + below(random, 3)
    );
  },
  'add an initializer': (graph, random) => {
    graph.initializer.push(
      tensor(anyName(graph, random), pick(random, [0, 1, 7, 8, 99]), [
        pick(random, ABSURD)
      ])
    );
  },
  'declare absurd dims': (graph, random) => {
    anyTensor(graph, random).dims = Array.from(
      { length: below(random, 12) },
      () => pick(random, ABSURD)
    );
  },
  'declare another type': (graph, random) => {
    anyTensor(graph, random).dataType = pick(random, [
      undefined,
      0,
      1,
      6,
      7,
      8,
      10,
      16,
      22,
      99,
      -1
    ]);
  },
  'empty a tensor': (graph, random) => {
    const found = anyTensor(graph, random);
    found.rawData = pick(random, [
      undefined,
      new Uint8Array(0),
      new Uint8Array(3)
    ]);
  },
  'point weights elsewhere': (graph, random) => {
    const found = anyTensor(graph, random);
    found.dataLocation = 1;
    found.rawData = undefined;
    found.externalData = [
      { key: 'location', value: pick(random, LOCATIONS) },
      {
        key: 'offset',
        value: pick(random, [
          '0',
          '-1',
          '1e400',
          'NaN',
          '18446744073709551615',
          '7'
        ])
      },
      {
        key: pick(random, ['length', 'location', 'checksum']),
        value: pick(random, ['0', '-8', '99999999999999999999', 'abc'])
      }
    ];
  },
  'drop external entries': (graph, random) => {
    const found = anyTensor(graph, random);
    found.dataLocation = pick(random, [1, 2, -1]);
    found.externalData = pick(random, [[], [{}], [{ key: 'location' }]]);
  },
  'change values of a small tensor': (graph, random) => {
    const small = graph.initializer.filter(
      ({ rawData }) => rawData && rawData.length <= 64
    );
    const found = pick(random, small);
    if (found?.rawData) {
      found.rawData = Uint8Array.from(found.rawData, () =>
        pick(random, [0, 0xff, 0x7f, below(random, 256)])
      );
    }
  },
  'change inputs and outputs': (graph, random) => {
    const list = pick(random, [graph.input, graph.output]);
    const info = pick(random, list);
    if (info) {
      info.name = pick(random, [undefined, '', anyName(graph, random)]);
      info.type = pick(random, [
        undefined,
        {},
        { tensorType: {} },
        {
          tensorType: {
            elemType: -1,
            shape: { dim: [{ dimValue: pick(random, ABSURD) }, {}] }
          }
        }
      ]);
    }
  },
  'shuffle names': (graph, random) => {
    const from = anyName(graph, random);
    const to = anyName(graph, random);
    for (const node of graph.node) {
      node.input = node.input.map(name => (name === from ? to : name));
    }
  },
  'repeat nodes': (graph, random) => {
    const node = anyNode(graph, random);
    for (let i = below(random, 60); i > 0; i--) {
      graph.node.push({
        ...node,
        output: node.output.map(name => `${name}_${i}`)
      });
    }
  },
  'define a function': (graph, random, model) => {
    const node = anyNode(graph, random);
    const inside = graph.node.slice(0, below(random, 6));
    model.functions = [
      {
        name: node.opType,
        domain: pick(random, ['', 'local', undefined]),
        input: pick(random, [node.input, [], ['a', 'a']]),
        output: pick(random, [node.output, [], ['missing']]),
        attribute: pick(random, [[], ['axis', 'axis']]),
        attributeProto: [],
        // Sometimes a function that calls itself.
        node: pick(random, [inside, [node], []]),
        opsetImport: []
      }
    ];
    node.domain = model.functions[0].domain;
  },
  'remove everything': (graph, random) => {
    const lists = [
      () => (graph.node = []),
      () => (graph.initializer = []),
      () => (graph.input = []),
      () => (graph.output = [])
    ];
    pick(random, lists)();
  },
  'change the opset': (_graph, random, model) => {
    model.opsetImport = pick(random, [
      [],
      [{}],
      [{ version: -1 }],
      [{ domain: 'ai.onnx', version: 2 ** 40 }]
    ]);
  }
};

/** Damaged copies of a file, the same ones for the same random numbers; ways are taken in turn. */
export function* mutants(
  original: Uint8Array,
  random: Random
): Generator<Mutant, never, undefined> {
  const bytes = Object.entries(onBytes);
  const graphs = Object.entries(onGraph);
  for (;;) {
    for (const [how, mutate] of bytes) {
      yield { how, bytes: mutate(Buffer.from(original), random) };
    }
    for (const [how, mutate] of graphs) {
      const model = decodeModelProto(original);
      mutate(model.graph!, random, model);
      // Every other one has a second change, which may meet the first.
      const second = random() < 0.5 ? pick(random, graphs) : undefined;
      if (model.graph!.node.length > 0 && model.graph!.initializer.length > 0) {
        second?.[1](model.graph!, random, model);
      }
      yield {
        how: second ? `${how}, ${second[0]}` : how,
        bytes: encodeModelProto(model)
      };
    }
  }
}
