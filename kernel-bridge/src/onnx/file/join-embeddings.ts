/**
 * A decoder that takes embeddings in place of token ids, and the embedding model beside it, as one graph: exporters of
 * multimodal models write them as two files.
 */
import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ELEMENT, type GraphProto, type ModelProto } from './schema';

/** The input of embeddings: its name is part of the exporters' interface. */
const EMBEDDINGS = 'inputs_embeds';
const IDS = 'input_ids';
const INTEGERS: ReadonlySet<number> = new Set([ELEMENT.int32, ELEMENT.int64]);

type WithGraph = ModelProto & { graph: GraphProto };

/** True for the file of a model that embeds tokens, and not of a decoder. */
export function isEmbeddingFile(name: string): boolean {
  return /(^|_)embed(_tokens|dings?)?(_\w+)?\.onnx$/.test(basename(name));
}

/** True for a graph that is given embeddings, and not token ids. */
export function takesEmbeddings({ input }: GraphProto): boolean {
  const names = input.map(({ name }) => name);
  return names.includes(EMBEDDINGS) && !names.includes(IDS);
}

/** The embedding models beside a decoder; first that whose name ends as the decoder's (`_q4`, `_fp16`). */
export function embeddingFiles(
  decoder: string,
  names: readonly string[] = readdirSync(dirname(decoder))
): string[] {
  const variant = /(_(?:fp16|q4|q4f16|q8|int8|uint8|bnb4|quantized))?\.onnx$/;
  const own = variant.exec(basename(decoder))?.[1];
  return names
    .filter(isEmbeddingFile)
    .sort(
      (a, b) =>
        Number(variant.exec(b)?.[1] === own) -
          Number(variant.exec(a)?.[1] === own) || a.localeCompare(b)
    )
    .map(name => join(dirname(decoder), name));
}

/**
 * One graph that takes the token ids of the embedding model.
 * @returns undefined when the embedding model takes more than token ids, or does not return embeddings alone
 */
export function joinEmbeddings<M extends WithGraph>(
  decoder: M,
  embedding: WithGraph
): M | undefined {
  const stored = new Set(embedding.graph.initializer.map(({ name }) => name));
  const inputs = embedding.graph.input.filter(({ name }) => !stored.has(name));
  const [ids] = inputs;
  const outputs = embedding.graph.output;
  const wanted = decoder.graph.input.find(({ name }) => name === EMBEDDINGS);
  if (
    inputs.length !== 1 ||
    outputs.length !== 1 ||
    !INTEGERS.has(ids.type?.tensorType?.elemType ?? 0)
  ) {
    return undefined;
  }
  const prefixed = (name: string): string =>
    name === '' ? '' : name === ids.name ? IDS : `${PREFIX}${name}`;
  const own = embedding.graph;
  const [output] = outputs;
  const type = wanted?.type?.tensorType?.elemType ?? ELEMENT.float;
  return {
    ...decoder,
    // Operators of another domain (a quantised lookup) are not known without its import.
    opsetImport: [
      ...decoder.opsetImport,
      ...embedding.opsetImport.filter(({ domain }) =>
        decoder.opsetImport.every(
          other => (other.domain ?? '') !== (domain ?? '')
        )
      )
    ],
    graph: {
      ...decoder.graph,
      node: [
        ...own.node.map(node => ({
          ...node,
          name: prefixed(node.name ?? ''),
          input: node.input.map(prefixed),
          output: node.output.map(prefixed)
        })),
        {
          opType: 'Cast',
          name: `${PREFIX}cast`,
          input: [prefixed(output.name ?? '')],
          output: [EMBEDDINGS],
          attribute: [
            {
              name: 'to',
              type: 2,
              i: type,
              floats: [],
              ints: [],
              strings: [],
              tensors: [],
              graphs: []
            }
          ]
        },
        ...decoder.graph.node
      ],
      initializer: [
        ...own.initializer.map(tensor => ({
          ...tensor,
          name: prefixed(tensor.name ?? '')
        })),
        ...decoder.graph.initializer
      ],
      input: [
        { ...ids, name: IDS },
        ...decoder.graph.input.filter(({ name }) => name !== EMBEDDINGS)
      ],
      valueInfo: [...decoder.graph.valueInfo, ...(wanted ? [wanted] : [])]
    }
  } as M;
}

const PREFIX = 'embed_tokens/';
