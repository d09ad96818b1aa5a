/** Forged models that are small on disk and ask a careless reader for much time, stack or memory. */
import { encodeModelProto, type NodeProto } from '../src/onnx/file/schema';
import { GraphBuilder, tensor } from './graph-builder';
import type { Mutant } from './mutations';
import { tinyMoE } from './tiny-moe';

const node = (
  opType: string,
  input: string[],
  output: string[],
  attribute: NodeProto['attribute'] = []
): NodeProto => ({ opType, input, output, attribute });

/** A chain of nodes from `first`; returns the last name. */
function chain(
  b: GraphBuilder,
  op: string,
  first: string,
  length: number,
  inputs: (name: string) => string[] = name => [name]
): string {
  let name = first;
  for (let i = 0; i < length; i++) {
    name = b.op(op, inputs(name));
  }
  return name;
}

/** A router whose logits are what `write` makes of them and whose weight is what `weigh` makes of it. */
function routed(
  write: (b: GraphBuilder, logits: string) => string,
  weigh: (b: GraphBuilder, weight: string) => string = (_, weight) => weight
): Uint8Array {
  const b = tinyMoE({
    layers: 1,
    router: (builder, x, { experts, topK, hidden }) => {
      const logits = write(
        builder,
        builder.op('MatMul', [
          x,
          weigh(builder, builder.weight([hidden, experts]))
        ])
      );
      const [weights, selected] = builder.many(
        'TopK',
        [builder.op('Softmax', [logits]), builder.ints([topK])],
        2
      );
      return { selected, weights };
    }
  });
  return encodeModelProto(b.build());
}

export function bombs(): Mutant[] {
  return [
    {
      how: '60,000 Identity nodes behind a weight',
      bytes: routed(
        (_, logits) => logits,
        (b, weight) => chain(b, 'Identity', weight, 60_000)
      )
    },
    { how: '60,000 Cast nodes behind a k', bytes: longK() },
    {
      how: '60,000 Identity nodes behind logits',
      bytes: routed((b, logits) => chain(b, 'Identity', logits, 60_000))
    },
    {
      how: 'sums of themselves, 40 deep',
      bytes: routed((b, logits) =>
        chain(b, 'Add', logits, 40, name => [name, name])
      )
    },
    {
      how: 'sums of themselves without shapes, 40 deep',
      bytes: withoutShapes()
    },
    { how: 'a node with 200,000 inputs, made after it', bytes: manyInputs() },
    { how: 'a node with 200,000 outputs', bytes: manyOutputs() },
    { how: 'nodes in reverse order', bytes: reversed(60_000) },
    {
      how: '1,000 routers in a row without a block',
      bytes: manyRouters(1_000)
    },
    { how: 'bodies 60 deep', bytes: nested(60) },
    { how: 'bodies 5,000 deep', bytes: nestedByHand(5_000) },
    { how: 'a bias of 2^40 elements', bytes: absurd([2 ** 40]) },
    {
      how: 'dims that overflow',
      bytes: absurd(Array.from({ length: 400 }, () => 2 ** 31))
    },
    {
      how: '100,000 dims',
      bytes: absurd(Array.from({ length: 100_000 }, () => 1))
    },
    { how: 'a function that calls itself', bytes: recursive(1) },
    {
      how: 'functions that call one another twice, 40 deep',
      bytes: recursive(40)
    },
    { how: 'a choice of 2^31 experts', bytes: hugeK() }
  ];
}

function longK(): Uint8Array {
  const b = new GraphBuilder();
  const x = b.input('input_ids', 'float', ['n', 8]);
  const scores = b.op('Softmax', [b.op('MatMul', [x, b.weight([8, 4])])]);
  const [values, indices] = b.many(
    'TopK',
    [scores, chain(b, 'Cast', b.ints([2]), 60_000)],
    2
  );
  b.output(b.op('MatMul', [b.op('Mul', [values, indices]), b.weight([2, 2])]));
  return encodeModelProto(b.build());
}

function withoutShapes(): Uint8Array {
  const b = new GraphBuilder();
  let x = b.input('input_ids', 'float', []);
  for (let i = 0; i < 40; i++) {
    x = b.op('Add', [x, x]);
  }
  const [values, indices] = b.many(
    'TopK',
    [b.op('Softmax', [x]), b.ints([2])],
    2
  );
  b.output(b.op('MatMul', [values, indices]));
  return encodeModelProto(b.build());
}

function manyInputs(): Uint8Array {
  const b = tinyMoE({ layers: 1 });
  const parts = Array.from({ length: 200_000 }, (_, i) => `part${i}`);
  b.nodes.unshift(node('Concat', parts, ['whole']));
  parts.forEach(name => b.nodes.push(node('Identity', ['logits'], [name])));
  return encodeModelProto(b.build());
}

function manyOutputs(): Uint8Array {
  const b = tinyMoE({ layers: 1 });
  b.nodes.push(
    node(
      'Split',
      ['logits'],
      Array.from({ length: 200_000 }, (_, i) => `part${i}`)
    )
  );
  return encodeModelProto(b.build());
}

function reversed(length: number): Uint8Array {
  const b = tinyMoE({ layers: 1 });
  chain(b, 'Relu', 'logits', length);
  b.nodes.reverse();
  return encodeModelProto(b.build());
}

function manyRouters(count: number): Uint8Array {
  const b = new GraphBuilder();
  const x = b.input('input_ids', 'float', ['n', 8]);
  const weight = b.weight([8, 4]);
  const k = b.ints([2]);
  for (let i = 0; i < count; i++) {
    const [values, indices] = b.many(
      'TopK',
      [b.op('Softmax', [b.op('MatMul', [x, weight])]), k],
      2
    );
    b.op('MatMul', [b.op('Mul', [values, indices]), weight]);
  }
  return encodeModelProto(b.build());
}

function nested(depth: number): Uint8Array {
  const b = tinyMoE({ layers: 1 });
  let body = {
    ...b.build().graph,
    node: [node('Identity', ['logits'], ['inner'])],
    initializer: [],
    input: [],
    output: []
  };
  for (let i = 0; i < depth / 3; i++) {
    const branch = (name: string): NodeProto['attribute'][number] => ({
      name,
      type: 5,
      g: body,
      floats: [],
      ints: [],
      strings: [],
      tensors: [],
      graphs: []
    });
    body = {
      ...body,
      node: [node('If', ['logits'], [`if${i}`], [branch('then_branch')])]
    };
  }
  b.nodes.push(...body.node);
  return encodeModelProto(b.build());
}

/** Deeper than a protobuf library would write. */
function nestedByHand(depth: number): Uint8Array {
  const wrap = (field: number, content: Buffer): Buffer => {
    const length: number[] = [];
    for (let rest = content.length; ; rest = Math.floor(rest / 128)) {
      length.push(rest > 127 ? (rest % 128) + 128 : rest);
      if (rest <= 127) {
        break;
      }
    }
    return Buffer.concat([Buffer.from([(field << 3) | 2, ...length]), content]);
  };
  let graph: Buffer = Buffer.alloc(0);
  for (let i = 0; i < depth; i++) {
    graph = wrap(1, wrap(5, wrap(6, graph)));
  }
  return wrap(7, graph);
}

function absurd(dims: number[]): Uint8Array {
  const b = tinyMoE({ layers: 1 });
  b.initializers.push(tensor('bias', 1, dims));
  const router = b.nodes.find(({ opType }) => opType === 'TopK')!;
  b.nodes.push(node('Add', [router.input[0], 'bias'], ['biased']));
  router.input[0] = 'biased';
  return encodeModelProto(b.build());
}

function recursive(depth: number): Uint8Array {
  const b = tinyMoE({ layers: 1 });
  const model = b.build();
  model.functions = Array.from({ length: depth }, (_, i) => {
    const call = (input: string, output: string): NodeProto => ({
      ...node(`F${(i + 1) % depth}`, [input], [output]),
      domain: 'local'
    });
    const last = depth > 1 && i === depth - 1;
    return {
      name: `F${i}`,
      domain: 'local',
      input: ['x'],
      output: ['z'],
      attribute: [],
      attributeProto: [],
      opsetImport: [],
      node: last
        ? [node('Identity', ['x'], ['z'])]
        : [call('x', 'y'), call('y', 'z')]
    };
  });
  model.graph.node.push({
    ...node('F0', ['logits'], ['called']),
    domain: 'local'
  });
  return encodeModelProto(model);
}

function hugeK(): Uint8Array {
  const b = tinyMoE({ layers: 1 });
  const router = b.nodes.find(({ opType }) => opType === 'TopK')!;
  router.input[1] = b.ints([2 ** 31]);
  const weight = b.nodes.find(({ output }) => output[0] === router.input[0])!
    .input[0];
  const product = b.nodes.find(({ output }) => output[0] === weight)!;
  b.initializers.find(({ name }) => name === product.input[1])!.dims = [
    16,
    2 ** 33
  ];
  return encodeModelProto(b.build());
}
