/** Which nodes hand on what, by what the ONNX specification says of their operators. */
import { GraphBuilder, type Attributes } from '../../../test/graph-builder';
import { Graph } from './graph';
import { handedOn, passedOn, sameSource, sourceOf, viewsOf } from './no-ops';

/** What a node over `x` hands on: `x`, or nothing. */
function handsOn(write: (b: GraphBuilder, x: string) => string): boolean {
  const b = new GraphBuilder();
  const x = b.input('x', 'float', ['rows', 4]);
  const output = write(b, x);
  b.output(output);
  const graph = new Graph(b.build().graph);
  const found = passedOn(graph, graph.producer(output)!);
  expect([x, undefined]).toContain(found);
  return found === x;
}

const op =
  (
    name: string,
    more: (b: GraphBuilder) => string[] = () => [],
    attributes: Attributes = {}
  ) =>
  (b: GraphBuilder, x: string) =>
    b.op(name, [x, ...more(b)], attributes);

const END = 2 ** 31 - 1;
const slice = (start: number, end: number, step: number) =>
  op('Slice', b => [
    b.ints([start]),
    b.ints([end]),
    b.ints([1]),
    b.ints([step])
  ]);
const transpose = (perm?: number[]): Attributes => (perm ? { perm } : {});

describe('a node that computes nothing', () => {
  it.each<[string, (b: GraphBuilder, x: string) => string]>([
    ['Identity', op('Identity')],
    ['Cast', op('Cast', undefined, { to: 10 })],
    ['Reshape', op('Reshape', b => [b.ints([-1, 2])])],
    ['Sum of one', op('Sum')],
    ['Concat of one', op('Concat', undefined, { axis: 0 })],
    ['a product with 1', op('Mul', b => [b.floats([1])])],
    ['1 times it', (b, x) => b.op('Mul', [b.floats([1]), x])],
    ['0 and it', (b, x) => b.op('Add', [b.floats([0]), x])],
    ['it less 0', op('Sub', b => [b.floats([0])])],
    ['it by 1', op('Div', b => [b.floats([1])])],
    ['its first power', op('Pow', b => [b.floats([1])])],
    ['Dropout', op('Dropout')],
    ['Dropout of a ratio 0', op('Dropout', b => [b.floats([0]), b.ints([1])])],
    ['Transpose of nothing', op('Transpose', undefined, { perm: [0, 1] })],
    ['Clip without limits', op('Clip')],
    ['Tile by 1', op('Tile', b => [b.ints([1, 1])])],
    ['Expand to 1', op('Expand', b => [b.ints([1, 1])])],
    ['Pad by 0', op('Pad', b => [b.ints([0, 0, 0, 0])])],
    ['Pad by 0, of old', op('Pad', undefined, { pads: [0, 0, 0, 0] })],
    ['Slice of all', slice(0, END, 1)],
    [
      'what a quantiser did, undone',
      (b, x) => {
        const scale = b.floats([0.5], []);
        const small = b.op('QuantizeLinear', [x, scale]);
        return b.op('DequantizeLinear', [b.op('Identity', [small]), scale]);
      }
    ],
    [
      'a Transpose, undone',
      (b, x) =>
        b.op('Transpose', [b.op('Transpose', [x], { perm: [1, 2, 0] })], {
          perm: [2, 0, 1]
        })
    ],
    [
      'all axes reversed, twice',
      (b, x) => b.op('Transpose', [b.op('Transpose', [x])])
    ]
  ])('is %s', (_, write) => {
    expect(handsOn(write)).toBe(true);
  });
});

describe('a node that computes something', () => {
  it.each<[string, (b: GraphBuilder, x: string) => string]>([
    ['Relu', op('Relu')],
    ['Sum of two', (b, x) => b.op('Sum', [x, x])],
    ['a product with 2', op('Mul', b => [b.floats([2])])],
    [
      'a product with ones, as a scale of experts is',
      op('Mul', b => [b.floats([1, 1, 1, 1])])
    ],
    ['1 divided by it', (b, x) => b.op('Div', [b.floats([1]), x])],
    ['0 less it', (b, x) => b.op('Sub', [b.floats([0]), x])],
    ['1 added', op('Add', b => [b.floats([1])])],
    ['Dropout in training', op('Dropout', b => [b.floats([0.5]), b.ints([1])])],
    ['Transpose', op('Transpose', undefined, { perm: [1, 0] })],
    ['Clip', op('Clip', b => [b.floats([0], [])])],
    ['Clip, of old', op('Clip', undefined, { min: { float: 0 } })],
    ['Tile by 2', op('Tile', b => [b.ints([1, 2])])],
    ['Expand', op('Expand', b => [b.ints([3, 4])])],
    ['Pad', op('Pad', b => [b.ints([0, 0, 0, 1])])],
    ['Slice from 1', slice(1, END, 1)],
    ['Slice to 3', slice(0, 3, 1)],
    ['Slice of every second', slice(0, END, 2)],
    [
      'a dequantised weight',
      (b, x) => b.op('DequantizeLinear', [x, b.floats([0.5], [])])
    ],
    [
      'another Transpose after one',
      (b, x) =>
        b.op('Transpose', [b.op('Transpose', [x], { perm: [1, 2, 0] })], {
          perm: [1, 2, 0]
        })
    ],
    [
      'a Transpose by default after another one',
      (b, x) =>
        b.op('Transpose', [b.op('Transpose', [x], transpose([0, 2, 1]))])
    ]
  ])('is %s', (_, write) => {
    expect(handsOn(write)).toBe(false);
  });

  it.each([
    [[4], [4, 4], false],
    [[4, 4], [4, 4], true],
    [[1, 4], [4, 4], false]
  ])(
    'is an Expand of %j to %j where the shapes differ, %#',
    (from, to, same) => {
      const b = new GraphBuilder();
      const x = b.input('x', 'float', from);
      const output = b.op('Expand', [x, b.ints([4, 4])]);
      b.output(output, 'float', to);
      const graph = new Graph(b.build().graph);
      expect(passedOn(graph, graph.producer(output)!)).toBe(
        same ? x : undefined
      );
    }
  );

  it('is a Split in two, and not one in one', () => {
    const b = new GraphBuilder();
    const x = b.input('x', 'float', [4, 4]);
    const [whole] = b.many('Split', [x], 1, { axis: 0 });
    const [half] = b.many('Split', [x], 2, { axis: 0 });
    const graph = new Graph(b.build().graph);
    expect(passedOn(graph, graph.producer(whole)!)).toBe(x);
    expect(passedOn(graph, graph.producer(half)!)).toBeUndefined();
  });
});

describe('the source of a tensor', () => {
  it('is above all no-ops, and its views are below', () => {
    const b = new GraphBuilder();
    const x = b.input('x', 'float', [4, 4]);
    const computed = b.op('Relu', [x]);
    const scale = b.floats([0.5], []);
    const cast = b.op('Cast', [computed], { to: 10 });
    const small = b.op('QuantizeLinear', [cast, scale]);
    const back = b.op('DequantizeLinear', [small, scale]);
    const twice = b.op('Mul', [back, b.floats([2])]);
    const graph = new Graph(b.build().graph);
    expect(sourceOf(graph, back)).toMatchObject({
      tensor: computed,
      node: { op: 'Relu' }
    });
    expect(sourceOf(graph, x)).toEqual({ tensor: x, node: undefined });
    expect(sourceOf(graph, twice).tensor).toBe(twice);
    expect(sameSource(graph, back, cast)).toBe(true);
    expect(sameSource(graph, back, twice)).toBe(false);
    expect(viewsOf(graph, computed)).toEqual([computed, cast, back]);
    const producer = graph.producer(small)!;
    expect(handedOn(graph, producer, cast)).toEqual([back]);
    expect(handedOn(graph, producer, scale)).toEqual([]);
    expect(handedOn(graph, graph.producer(twice)!, back)).toEqual([]);
  });

  it('of a second output is that output', () => {
    const b = new GraphBuilder();
    const x = b.input('x', 'float', [4]);
    const [kept, mask] = b.many('Dropout', [x], 2);
    const graph = new Graph(b.build().graph);
    expect(sourceOf(graph, kept).tensor).toBe(x);
    expect(sourceOf(graph, mask).tensor).toBe(mask);
  });
});
