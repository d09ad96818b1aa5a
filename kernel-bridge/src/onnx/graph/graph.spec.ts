import { GraphBuilder, tensor } from '../../../test/graph-builder';
import type { AttributeProto, GraphProto, NodeProto } from '../file/schema';
import { Graph } from './graph';

const node = (
  opType: string,
  input: string[],
  output: string[],
  attribute: AttributeProto[] = []
): NodeProto => ({ opType, input, output, attribute });
const graphOf = (
  nodes: NodeProto[],
  rest: Partial<GraphProto> = {}
): GraphProto => ({
  node: nodes,
  initializer: [],
  input: [],
  output: [],
  valueInfo: [],
  ...rest
});
const body = (name: string, g: GraphProto): AttributeProto => ({
  name,
  type: 5,
  g,
  floats: [],
  ints: [],
  strings: [],
  tensors: [],
  graphs: []
});

describe('Graph', () => {
  it('sorts nodes topologically', () => {
    const graph = new Graph(
      graphOf([
        node('C', ['b', 'a'], ['c']),
        node('B', ['a'], ['b']),
        node('A', ['x'], ['a'])
      ])
    );
    expect(graph.nodes.map(({ op, index }) => [op, index])).toEqual([
      ['A', 0],
      ['B', 1],
      ['C', 2]
    ]);
  });

  it('keeps the order of sorted nodes', () => {
    const nodes = [
      node('A', ['x'], ['a']),
      node('B', ['x'], ['b']),
      node('C', ['b'], ['c']),
      node('D', ['a'], ['d'])
    ];
    expect(new Graph(graphOf(nodes)).nodes.map(({ op }) => op)).toEqual([
      'A',
      'B',
      'C',
      'D'
    ]);
  });

  it('counts tensors that a subgraph captures as read by its node', () => {
    const inner = graphOf([node('Relu', ['late'], ['r'])], {
      output: [{ name: 'r' }]
    });
    const graph = new Graph(
      graphOf([
        node('If', ['cond'], ['out'], [body('then_branch', inner)]),
        node('Late', ['x'], ['late'])
      ])
    );
    expect(graph.nodes.map(({ op }) => op)).toEqual(['Late', 'If']);
    expect(graph.consumers('late').map(({ op }) => op)).toEqual(['If']);
  });

  it.each([
    [
      'a cycle',
      [node('A', ['b'], ['a']), node('B', ['a'], ['b'])],
      /part of a cycle/
    ],
    [
      'a node that reads its own output',
      [node('A', ['a'], ['a'])],
      /node A is part of a cycle/
    ],
    [
      'a tensor with two producers',
      [node('A', ['x'], ['t']), node('B', ['x'], ['t'])],
      /tensor t is the output of two nodes/
    ]
  ])('refuses %s, naming the file', (_, nodes, what) => {
    expect(() => new Graph(graphOf(nodes), 'model.onnx')).toThrow(
      expect.objectContaining({
        name: 'MoEDebuggerError',
        code: 'model-invalid',
        where: 'model.onnx',
        message: expect.stringMatching(what) as string
      })
    );
  });

  it('ignores omitted optional inputs and outputs', () => {
    const graph = new Graph(
      graphOf([node('A', ['', 'x'], ['', 'a']), node('B', [''], ['', 'b'])])
    );
    expect(graph.producer('')).toBeUndefined();
    expect(graph.consumers('')).toEqual([]);
  });

  it('does not list initializers as inputs', () => {
    const graph = new Graph(
      graphOf([], {
        input: [{ name: 'x' }, { name: 'w' }],
        initializer: [tensor('w', 1, [1])]
      })
    );
    expect(graph.inputs).toEqual(['x']);
  });

  it("puts the domain before the names of operators that are not ONNX's own", () => {
    const graph = new Graph(
      graphOf([
        { ...node('MoE', ['x'], ['y']), domain: 'com.microsoft' },
        { ...node('Relu', ['y'], ['z']), domain: 'ai.onnx' }
      ])
    );
    expect(graph.nodes.map(({ op }) => op)).toEqual([
      'com.microsoft.MoE',
      'Relu'
    ]);
  });
});

describe('constants', () => {
  it('are read from initializers and Constant nodes, through casts and reshapes', () => {
    const b = new GraphBuilder();
    const stored = b.ints([2, 3]);
    const cast = b.op('Cast', [b.op('Reshape', [stored, b.ints([1, 2])])], {
      to: 1
    });
    const constant = b.op('Constant', [], { value_float: { float: 0.5 } });
    const list = b.op('Constant', [], { value_ints: [4, 5] });
    const held = b.op('Identity', [
      b.op('Constant', [], {
        value: tensor('', 6, [], Uint8Array.of(9, 0, 0, 0))
      })
    ]);
    const graph = new Graph(b.build().graph);
    expect(graph.constantValues(cast)).toEqual([2, 3]);
    expect(graph.constantScalar(constant)).toBe(0.5);
    expect(graph.constantValues(list)).toEqual([4, 5]);
    expect(graph.constantScalar(held)).toBe(9);
    expect(graph.constantScalar(stored)).toBeUndefined();
    expect(graph.constantValues('nowhere')).toBeUndefined();
    expect(
      [cast, constant, list, held, stored, 'nowhere'].map(name =>
        graph.isConstant(name)
      )
    ).toEqual([true, true, true, true, true, false]);
  });

  it('have the dims of the view', () => {
    const b = new GraphBuilder();
    const weight = b.weight([3, 5]);
    const turned = b.op('Transpose', [b.op('Cast', [weight], { to: 10 })], {
      perm: [1, 0]
    });
    const reversed = b.op('Transpose', [b.weight([2, 3, 4])]);
    const computed = b.op('Relu', [weight]);
    const graph = new Graph(b.build().graph);
    expect(graph.weightOf(turned)).toMatchObject({
      tensor: { name: weight },
      dims: [5, 3]
    });
    expect(graph.weightOf(reversed)?.dims).toEqual([4, 3, 2]);
    expect(graph.weightOf(computed)).toBeUndefined();
    expect(graph.isConstant(turned)).toBe(true);
    expect(graph.isConstant(computed)).toBe(false);
  });
});
