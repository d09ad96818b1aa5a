/** A decoder with a no-op behind every number that it computes is read, traced and edited as without them. */
import { saveModel, tensor } from '../../test/graph-builder';
import { editSlots } from '../../test/edit-slots';
import { tinyMoE } from '../../test/tiny-moe';
import { ELEMENT, type GraphProto, type NodeProto } from '../onnx/file/schema';
import { writeAttribute } from '../onnx/graph/attributes';
import { readStructure } from '../run/model/structure';
import { loadModel, type MoEModel, type RoutingTrace } from '..';
import { findExperts } from './experts';

const IDS = [3, 14, 15, 9, 26, 5, 35, 8];
const models: MoEModel[] = [];
afterAll(() => Promise.all(models.map(model => model.dispose())));

/** Nodes from one tensor to another of the same numbers. */
type NoOp = (from: string, to: string) => NodeProto[];

const node = (
  opType: string,
  input: string[],
  output: string,
  attributes: Record<string, number | readonly number[]> = {}
): NodeProto => ({
  opType,
  name: `${output}/${opType}`,
  input,
  output: [output],
  attribute: Object.entries(attributes).map(([name, value]) =>
    writeAttribute(name, value)
  )
});

const NO_OPS: Record<string, NoOp> = {
  Identity: (from, to) => [node('Identity', [from], to)],
  CastLike: (from, to) => [node('CastLike', [from, from], to)],
  'a product with 1': (from, to) => [node('Mul', ['one', from], to)],
  'a sum with 0': (from, to) => [node('Add', [from, 'zero'], to)],
  'a Sum of one': (from, to) => [node('Sum', [from], to)],
  'a Concat of one': (from, to) => [node('Concat', [from], to, { axis: -1 })],
  'two Transposes': (from, to) => [
    node('Transpose', [from], `${to}/reversed`),
    node('Transpose', [`${to}/reversed`], to)
  ],
  'a Slice of all': (from, to) => [
    node('Slice', [from, 'start', 'end', 'axis'], to)
  ]
};

/** Operators that compute floats in the decoders of these tests. */
const COMPUTE = new Set([
  'MatMul',
  'Add',
  'Mul',
  'Div',
  'Sqrt',
  'Softmax',
  'Relu',
  'ReduceSum',
  'ScatterElements'
]);

function withNoOps(graph: GraphProto, noOp: NoOp): GraphProto {
  const constant = (name: string, values: number[], dims: number[]) => ({
    ...tensor(name, ELEMENT.float, dims),
    floatData: values
  });
  const integer = (name: string, value: number) => ({
    ...tensor(name, ELEMENT.int64, [1]),
    int64Data: [value]
  });
  return {
    ...graph,
    node: graph.node.flatMap(own => {
      const [output] = own.output;
      const raw = `${output}/raw`;
      return COMPUTE.has(own.opType ?? '')
        ? [{ ...own, output: [raw] }, ...noOp(raw, output)]
        : [own];
    }),
    initializer: [
      ...graph.initializer,
      constant('one', [1], []),
      constant('zero', [0], []),
      integer('start', 0),
      integer('end', 2 ** 31 - 1),
      integer('axis', -1)
    ]
  };
}

const SIZE = { seed: 8, topK: 2, heads: 2 };

async function traces(folder: string): Promise<RoutingTrace[]> {
  const model = await loadModel(folder);
  models.push(model);
  const edited = [
    { ablate: [{ layer: 0, expert: 2 }] },
    { force: [{ layer: 1, expert: 5 }] },
    { scale: [{ layer: 0, expert: 3, factor: 0.5 }] }
  ];
  return Promise.all(
    [model, ...edited.map(edits => model.with(edits))].map(own =>
      own.trace(IDS, { logits: 'all' })
    )
  );
}

/** What was read of a model, without names. */
function readOf(folder: string) {
  const { graph, found } = readStructure(folder);
  return {
    layers: found.routers.map(
      ({ layer, experts, topK, convention, sharedExperts }) => ({
        layer,
        experts,
        topK,
        convention,
        sharedExperts
      })
    ),
    blocks: found.blocks.counts,
    joins: found.blocks.joins.map(({ layer }) => layer),
    weights: found.routers.map(router =>
      findExperts(graph, router, found.blocks)?.map(({ weights }) =>
        weights.map(({ tensor: name, role, slice }) => ({ name, role, slice }))
      )
    ),
    edits: editSlots(folder).map(slots =>
      Object.entries(slots).map(([kind, slot]) => [
        kind,
        typeof slot === 'object' && 'input' in slot
      ])
    )
  };
}

describe.each(Object.entries(NO_OPS))('%s', (_, noOp) => {
  const plain = tinyMoE(SIZE);
  const folder = plain.save();
  const proto = plain.build();
  const between = saveModel({
    ...proto,
    graph: withNoOps(proto.graph, noOp)
  });

  it('leaves what is read', () => {
    const read = readOf(between);
    expect(read).toEqual(readOf(folder));
    expect(read.layers).toHaveLength(2);
    expect(read.weights.flat(2).length).toBeGreaterThan(0);
  });

  it('leaves what is routed and computed, also with edits', async () => {
    const [ours, theirs] = [await traces(between), await traces(folder)];
    expect(ours).toHaveLength(4);
    ours.forEach((trace, i) => {
      const [a, b] = [trace, theirs[i]].map(own => own.samples[0].layers);
      expect(a.map(({ selected }) => [...selected])).toEqual(
        b.map(({ selected }) => [...selected])
      );
      const [output, expected] = [trace, theirs[i]].map(
        own => [...own.outputLogits.values()][0].data
      );
      expect(
        Math.max(...output.map((value, at) => Math.abs(value - expected[at])))
      ).toBeLessThan(1e-4);
    });
  });
});
