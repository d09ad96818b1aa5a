/** Inputs of any name, and models in two files. */
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  GraphBuilder,
  saveModel,
  temporaryFolder
} from '../../../test/graph-builder';
import { tinyMoE } from '../../../test/tiny-moe';
import { loadModel } from '../../api/load-model';
import {
  encodeModelProto,
  type GraphProto,
  type ModelProto
} from '../../onnx/file/schema';
import { writeFileSync } from 'node:fs';
import { nameInputs } from './name-inputs';

type Model = ModelProto & { graph: GraphProto };

/** The same model whose token ids are called, typed and shaped otherwise. */
function withInput(
  model: Model,
  name: string,
  elemType: number,
  dims: (number | string)[]
): Model {
  const { graph } = model;
  return {
    ...model,
    graph: {
      ...graph,
      node: graph.node.map(node => ({
        ...node,
        input: node.input.map(input => (input === 'input_ids' ? name : input))
      })),
      input: [
        {
          name,
          type: {
            tensorType: {
              elemType,
              shape: {
                dim: dims.map(dim =>
                  typeof dim === 'number'
                    ? { dimValue: dim }
                    : { dimParam: dim }
                )
              }
            }
          }
        }
      ]
    }
  };
}

const INT32 = 6;
const IDS = [3, 1, 4, 1, 5];

async function routed(folder: string, ids = IDS) {
  const model = await loadModel(folder);
  const trace = await model.trace(ids);
  const result = trace.samples[0].layers.map(({ logits, selected }) => ({
    logits,
    selected
  }));
  await model.dispose();
  return result;
}

describe('token ids of another name', () => {
  it('are told by their type, shape and use', async () => {
    const model = tinyMoE().build();
    const own = withInput(model, 'in_0', INT32, ['batch', 'sequence']);
    expect(await routed(saveModel(own))).toEqual(
      await routed(saveModel(model))
    );
  });

  it('take prompts of the exported length, and say so of others', async () => {
    const model = tinyMoE().build();
    const fixed = saveModel(withInput(model, 'in_0', INT32, [1, IDS.length]));
    expect(await routed(fixed)).toEqual(await routed(saveModel(model)));
    const loaded = await loadModel(fixed);
    await expect(loaded.trace([1, 2, 3])).rejects.toMatchObject({
      code: 'input',
      message: expect.stringContaining('exported for 5 tokens') as string
    });
    await loaded.dispose();
  });

  it('are told apart from positions, types and a mask', () => {
    const b = new GraphBuilder();
    const inputs = ['a', 'b', 'c', 'd'].map(name =>
      b.input(name, 'int64', ['batch', 'sequence'])
    );
    const [positions, types, ids, mask] = inputs;
    const width = 4;
    const lookUp = (rows: number, at: string): string =>
      b.op('Gather', [b.weight([rows, width]), at]);
    const embedded = b.op('Add', [
      b.op('Add', [lookUp(64, positions), lookUp(2, types)]),
      lookUp(20, ids)
    ]);
    const masked = b.op('Where', [
      b.over('Unsqueeze', b.op('Cast', [mask], { to: 9 }), [-1]),
      embedded,
      b.floats([0], [])
    ]);
    b.nodes.push({
      opType: 'MatMul',
      input: [masked, b.weight([width, 20])],
      output: ['logits'],
      attribute: []
    });
    b.output('logits', 'float', ['batch', 'sequence', 20]);
    const named = nameInputs(b.build().graph);
    expect(named.input.map(({ name }) => name)).toEqual([
      'position_ids',
      'token_type_ids',
      'input_ids',
      // What the mask is compared with is not seen through a Cast to bool.
      'attention_mask'
    ]);
  });

  it('are left as they are when two could be them', () => {
    const b = new GraphBuilder();
    const [one, two] = ['a', 'b'].map(name =>
      b.input(name, 'int64', ['batch', 'sequence'])
    );
    const table = (): string => b.weight([20, 4]);
    b.op('Add', [
      b.op('Gather', [table(), one]),
      b.op('Gather', [table(), two])
    ]);
    b.output('y', 'float');
    const { graph } = b.build();
    expect(nameInputs(graph).input.map(({ name }) => name)).not.toContain(
      'input_ids'
    );
  });
});

/** A model as two files: what embeds its tokens, and the decoder. */
function split(model: Model): { decoder: Model; embedding: Model } {
  const { graph } = model;
  const lookup = graph.node.find(
    ({ opType, input }) => opType === 'Gather' && input[1] === 'input_ids'
  )!;
  const [table] = lookup.input;
  const info = (name: string, elemType: number, dims: (string | number)[]) =>
    withInput(model, name, elemType, dims).graph.input[0];
  const FLOAT = 1;
  const INT64 = 7;
  return {
    embedding: {
      ...model,
      graph: {
        ...graph,
        node: [{ ...lookup, output: ['embeds'] }],
        initializer: graph.initializer.filter(({ name }) => name === table),
        input: [info('input_ids', INT64, ['b', 's'])],
        output: [info('embeds', FLOAT, ['b', 's', 16])]
      }
    },
    decoder: {
      ...model,
      graph: {
        ...graph,
        node: graph.node
          .filter(node => node !== lookup)
          .map(node => ({
            ...node,
            input: node.input.map(name =>
              name === lookup.output[0] ? 'inputs_embeds' : name
            )
          })),
        initializer: graph.initializer.filter(({ name }) => name !== table),
        input: [info('inputs_embeds', FLOAT, ['b', 's', 16])]
      }
    }
  };
}

describe('a decoder that takes embeddings', () => {
  const model = tinyMoE({ vocabulary: 300 }).build();
  const { decoder, embedding } = split(model);
  const folderOf = (name: string, beside?: string): string => {
    const folder = join(temporaryFolder(), 'onnx');
    mkdirSync(folder);
    writeFileSync(join(folder, name), encodeModelProto(decoder));
    if (beside !== undefined) {
      writeFileSync(join(folder, beside), encodeModelProto(embedding));
    }
    return join(folder, '..');
  };

  it.each([
    ['decoder_model_merged.onnx', 'embed_tokens.onnx'],
    ['decoder_model_q4.onnx', 'embed_tokens_q4.onnx'],
    ['text.onnx', 'embeddings.onnx']
  ])('%s uses %s beside it', async (name, beside) => {
    expect(await routed(folderOf(name, beside))).toEqual(
      await routed(saveModel(model))
    );
  });

  it('generates with it', async () => {
    const ids = async (folder: string) => {
      const loaded = await loadModel(folder);
      const { tokens } = await loaded.generate(IDS, { maxNewTokens: 4 });
      await loaded.dispose();
      return tokens.map(({ id }) => id);
    };
    const own = await ids(folderOf('model.onnx', 'embed_tokens.onnx'));
    expect(own).toHaveLength(4);
    expect(own).toEqual(await ids(saveModel(model)));
  });

  it('says which file it needs', async () => {
    const loaded = await loadModel(folderOf('model.onnx'));
    await expect(loaded.trace(IDS)).rejects.toMatchObject({
      code: 'model-unsupported',
      message: expect.stringContaining('inputs_embeds') as string,
      hint: expect.stringContaining('embed_tokens.onnx') as string
    });
    await loaded.dispose();
  });

  it('loads an embedding model alone as any other', async () => {
    const folder = temporaryFolder();
    cpSync(join(folderOf('model.onnx', 'embed_tokens.onnx'), 'onnx'), folder, {
      recursive: true,
      filter: path => !path.endsWith('model.onnx')
    });
    await expect(loadModel(folder)).rejects.toMatchObject({
      code: 'not-a-moe'
    });
  });
});
