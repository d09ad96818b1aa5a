import { saveModel } from '../../../test/graph-builder';
import { tinyMoE } from '../../../test/tiny-moe';
import { MoEDebuggerError } from '../../base/errors';
import { loadModel } from '../../api/load-model';
import type {
  AttributeProto,
  FunctionProto,
  GraphProto,
  ModelProto,
  NodeProto
} from '../file/schema';
import { inlineFunctions } from './inline-functions';

const DOMAIN = 'local';
const IDS = [3, 17, 4, 29, 11];

const node = (
  opType: string,
  input: string[],
  output: string[],
  attribute: AttributeProto[] = [],
  domain = ''
): NodeProto => ({ opType, input, output, attribute, domain });

const attribute = (
  name: string,
  value: Partial<AttributeProto>
): AttributeProto => ({
  name,
  floats: [],
  ints: [],
  strings: [],
  tensors: [],
  graphs: [],
  ...value
});

const define = (name: string, body: Partial<FunctionProto>): FunctionProto => ({
  name,
  domain: DOMAIN,
  input: [],
  output: [],
  attribute: [],
  attributeProto: [],
  node: [],
  opsetImport: [{ domain: '', version: 18 }],
  ...body
});

/** The model with each softmax over experts moved into a function that takes the axis as an attribute. */
function withFunctions(): ModelProto & { graph: GraphProto } {
  const model = tinyMoE().build();
  const routed = new Set(
    model.graph.node.flatMap(({ opType, input }) =>
      opType === 'TopK' ? [input[0]] : []
    )
  );
  const axis = attribute('axis', { refAttrName: 'over', type: 2 });
  return {
    ...model,
    opsetImport: [...model.opsetImport, { domain: DOMAIN, version: 1 }],
    functions: [
      define('Score', {
        input: ['x'],
        output: ['y'],
        attribute: ['over'],
        node: [
          node(
            'Inner',
            ['x'],
            ['inside'],
            [attribute('over', { refAttrName: 'over', type: 2 })],
            DOMAIN
          ),
          node('Identity', ['inside'], ['y'])
        ]
      }),
      define('Inner', {
        input: ['x'],
        output: ['y'],
        attribute: ['over'],
        node: [node('Softmax', ['x'], ['y'], [axis])]
      })
    ],
    graph: {
      ...model.graph,
      node: model.graph.node.map(own =>
        own.opType === 'Softmax' && routed.has(own.output[0])
          ? node(
              'Score',
              own.input,
              own.output,
              [attribute('over', { i: -1, type: 2 })],
              DOMAIN
            )
          : own
      )
    }
  };
}

describe('inlineFunctions', () => {
  it('makes routers inside functions visible to capture', async () => {
    const [plain, called] = [tinyMoE().save(), saveModel(withFunctions())];
    const routings = [];
    for (const folder of [plain, called]) {
      const model = await loadModel(folder);
      const trace = await model.trace(IDS);
      routings.push(
        trace.samples[0].layers.map(({ selected, weights, logits }) => ({
          selected,
          weights,
          logits
        }))
      );
      await model.dispose();
    }
    expect(routings[0]).toHaveLength(2);
    expect(routings[1]).toEqual(routings[0]);
  });

  it('returns a model without functions unchanged', () => {
    const model = tinyMoE().build();
    expect(inlineFunctions(model)).toBe(model);
  });

  it('refuses a function that calls itself', () => {
    const model = {
      ...withFunctions(),
      functions: [
        define('Score', {
          input: ['x'],
          output: ['y'],
          node: [node('Score', ['x'], ['y'], [], DOMAIN)]
        })
      ]
    };
    expect(() => inlineFunctions(model, 'model.onnx')).toThrow(
      MoEDebuggerError
    );
    expect(() => inlineFunctions(model, 'model.onnx')).toThrow(/Score.*itself/);
  });

  it('refuses functions whose inlined size grows exponentially', () => {
    const levels = Array.from({ length: 30 }, (_, level) =>
      define(`F${level}`, {
        input: ['x'],
        output: ['y'],
        node: [
          node(`F${level + 1}`, ['x'], ['a'], [], DOMAIN),
          node(`F${level + 1}`, ['a'], ['y'], [], DOMAIN)
        ]
      })
    );
    const model = withFunctions();
    const graph = {
      ...model.graph,
      node: [node('F0', ['input_ids'], ['out'], [], DOMAIN)]
    };
    expect(() =>
      inlineFunctions({ ...model, graph, functions: levels })
    ).toThrow(/more than 500000 nodes/);
  });
});
