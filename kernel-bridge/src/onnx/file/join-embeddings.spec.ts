import { GraphBuilder } from '../../../test/graph-builder';
import {
  embeddingFiles,
  isEmbeddingFile,
  joinEmbeddings,
  takesEmbeddings
} from './join-embeddings';

function taking(...names: string[]) {
  const b = new GraphBuilder();
  names.forEach(name => b.input(name, 'float', [1]));
  return b.build().graph;
}

/** As exporters of multimodal models write it: ids in, embeddings out. */
function embedding(change: (b: GraphBuilder) => void = () => undefined) {
  const b = new GraphBuilder();
  const ids = b.input('input_ids', 'int64', [1, 'tokens']);
  const out = b.op('Gather', [b.weight([8, 4], 1, 'table'), ids]);
  b.output(out, 'float', [1, 'tokens', 4]);
  change(b);
  return b.build();
}

function decoder() {
  const b = new GraphBuilder();
  const x = b.input('inputs_embeds', 'float', [1, 'tokens', 4]);
  b.output(b.op('Relu', [x]), 'float', [1, 'tokens', 4]);
  return b.build();
}

describe('a decoder without token ids', () => {
  it('takes embeddings, and no ids', () => {
    expect(takesEmbeddings(taking('inputs_embeds', 'attention_mask'))).toBe(
      true
    );
    expect(takesEmbeddings(taking('inputs_embeds', 'input_ids'))).toBe(false);
    expect(takesEmbeddings(taking('input_ids'))).toBe(false);
    expect(takesEmbeddings(taking('attention_mask'))).toBe(false);
  });

  it('finds its embedding model by the name, first that of the same precision', () => {
    const names = [
      'decoder_model_merged.onnx',
      'embed_tokens.onnx',
      'embed_tokens_q4.onnx',
      'embed_tokens_fp16.onnx',
      'embedder.onnx',
      'embed_tokens.onnx_data'
    ];
    expect(names.filter(isEmbeddingFile)).toEqual([
      'embed_tokens.onnx',
      'embed_tokens_q4.onnx',
      'embed_tokens_fp16.onnx'
    ]);
    const first = (file: string) => embeddingFiles(file, names)[0];
    expect(first('/m/decoder_model_merged_q4.onnx')).toBe(
      '/m/embed_tokens_q4.onnx'
    );
    expect(first('/m/decoder_model_merged.onnx')).toBe('/m/embed_tokens.onnx');
    const found = embeddingFiles('/m/decoder_model_merged_fp16.onnx', names);
    expect(found[0]).toBe('/m/embed_tokens_fp16.onnx');
    expect(found).toHaveLength(3);
  });

  it('is joined with it to one graph that takes ids', () => {
    const joined = joinEmbeddings(decoder(), embedding())!;
    expect(joined.graph.input.map(({ name }) => name)).toEqual(['input_ids']);
    expect(joined.graph.node.map(({ opType }) => opType)).toEqual(
      expect.arrayContaining(['Gather', 'Relu'])
    );
  });

  it('is not joined with a model of images, or of several results', () => {
    expect(
      joinEmbeddings(
        decoder(),
        embedding(b => b.input('pixel_values', 'float', [1]))
      )
    ).toBeUndefined();
    expect(
      joinEmbeddings(
        decoder(),
        embedding(b => b.output(b.op('Relu', ['table']), 'float', [8, 4]))
      )
    ).toBeUndefined();
    const b = new GraphBuilder();
    b.output(b.op('Relu', [b.input('x', 'float', [1])]), 'float', [1]);
    expect(joinEmbeddings(decoder(), b.build())).toBeUndefined();
  });
});
