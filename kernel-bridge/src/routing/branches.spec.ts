import { saveModel } from '../../test/graph-builder';
import { tinyMoE } from '../../test/tiny-moe';
import { Graph } from '../onnx/graph/graph';
import { loadModel } from '../api/load-model';
import { inspectModel } from '../run/model/structure';
import type {
  AttributeProto,
  GraphProto,
  ModelProto,
  NodeProto
} from '../onnx/file/schema';
import { findBranchedRouters } from './branches';

const IDS = [3, 17, 4, 29, 11];

/** One If around the model, as exporters merge a decoder with and without a KV cache; initializers stay outside. */
function merged(
  edit: (branch: GraphProto, name: string) => GraphProto = branch => branch
): ModelProto & { graph: GraphProto } {
  const model = tinyMoE().build();
  const { graph } = model;
  const branch = (name: string): AttributeProto => ({
    name,
    type: 5,
    g: edit(rename(graph, `${name}/`), name),
    floats: [],
    ints: [],
    strings: [],
    tensors: [],
    graphs: []
  });
  return {
    ...model,
    graph: {
      ...graph,
      node: [
        {
          opType: 'If',
          name: 'merged',
          input: ['use_cache_branch'],
          output: graph.output.map(({ name }) => name ?? ''),
          attribute: [branch('then_branch'), branch('else_branch')]
        }
      ],
      input: [
        ...graph.input,
        {
          name: 'use_cache_branch',
          type: {
            tensorType: { elemType: 9, shape: { dim: [{ dimValue: 1 }] } }
          }
        }
      ]
    }
  };
}

function rename(graph: GraphProto, prefix: string): GraphProto {
  const made = new Set(graph.node.flatMap(({ output }) => output));
  const name = (tensor: string): string =>
    made.has(tensor) ? prefix + tensor : tensor;
  return {
    ...graph,
    name: prefix,
    input: [],
    initializer: [],
    output: graph.output.map(info => ({
      ...info,
      name: name(info.name ?? '')
    })),
    node: graph.node.map((node): NodeProto => ({
      ...node,
      input: node.input.map(name),
      output: node.output.map(name)
    }))
  };
}

describe('routers in the branches of an If', () => {
  it('route as the same model without the If does', async () => {
    const routings = [];
    for (const folder of [tinyMoE().save(), saveModel(merged())]) {
      const model = await loadModel(folder);
      const trace = await model.trace(IDS, { logits: 'all' });
      routings.push({
        layers: trace.samples[0].layers,
        logits: trace.outputLogits.get('0')
      });
      await model.dispose();
    }
    expect(routings[0].layers).toHaveLength(2);
    expect(routings[1]).toEqual(routings[0]);
  });

  it('are described once', () => {
    const { layers } = inspectModel(saveModel(merged()));
    expect(layers.map(({ layer, moe }) => ({ layer, moe }))).toEqual([
      { layer: 0, moe: true },
      { layer: 1, moe: true }
    ]);
  });

  it('are not captured where the branches route differently', () => {
    const different = merged((branch, name) =>
      name === 'then_branch'
        ? {
            ...branch,
            node: branch.node.map(node =>
              node.opType === 'Softmax'
                ? { ...node, opType: 'Sigmoid', attribute: [] }
                : node
            )
          }
        : branch
    );
    expect(findBranchedRouters(new Graph(different.graph))).toBeUndefined();
  });

  it.each([
    [['Not', 'Identity'], 'then_branch'],
    [['Cast'], 'else_branch'],
    [[], 'else_branch']
  ])(
    'begin with the branch that prompts take, behind %j',
    (operators, first) => {
      const { graph } = merged();
      const condition = operators.reduce((input, opType, i) => {
        graph.node.push({
          opType,
          name: `view${i}`,
          input: [input],
          output: [`condition${i}`],
          attribute: []
        });
        return `condition${i}`;
      }, 'use_cache_branch');
      graph.node[0].input = [condition];
      expect(findBranchedRouters(new Graph(graph))).toMatchObject({
        promptFirst: true,
        branches: [{ attribute: first }, {}]
      });
    }
  );

  it('have no gradients where it is not known which branch prompts take', async () => {
    const model = merged();
    model.graph.node.unshift({
      opType: 'And',
      name: 'both',
      input: ['use_cache_branch', 'use_cache_branch'],
      output: ['chosen'],
      attribute: []
    });
    model.graph.node[1].input = ['chosen'];
    const loaded = await loadModel(saveModel(model));
    await expect(
      loaded.attribute(IDS, { target: { kind: 'logit', token: 1 } })
    ).rejects.toMatchObject({
      code: 'model-unsupported',
      message: expect.stringMatching(/which branch a prompt takes/) as string
    });
    await loaded.dispose();
  });

  it('are reported where they cannot be captured: in a Loop, or where the branches differ', () => {
    const inIf = merged((branch, name) =>
      name === 'then_branch'
        ? {
            ...branch,
            node: branch.node.filter(({ opType }) => opType !== 'TopK')
          }
        : branch
    );
    const inLoop = merged();
    inLoop.graph.node[0].opType = 'Loop';
    for (const [model, count] of [
      [inIf, 2],
      [inLoop, 4]
    ] as const) {
      const { warnings, layers } = inspectModel(saveModel(model));
      expect(warnings).toEqual([
        expect.stringMatching(
          new RegExp(`ignored: .* merged: ${count} routers are in its body`)
        )
      ]);
      expect(layers.some(({ moe }) => moe)).toBe(false);
    }
  });
});
