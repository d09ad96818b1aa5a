/** An ONNX model: the graph in memory, the weights left in their files. */
import { basename } from 'node:path';
import { statSync } from 'node:fs';
import { MoEDebuggerError } from '../../base/errors';
import { inlineFunctions } from '../graph/inline-functions';
import { checkExternalData, followLinks, tensorsOf } from './external-data';
import {
  embeddingFiles,
  joinEmbeddings,
  takesEmbeddings
} from './join-embeddings';
import { locateModel, type ModelLocation } from './locate';
import {
  decodeModelProto,
  ELEMENT,
  type GraphProto,
  type ModelProto
} from './schema';
import { readSkeleton } from './skeleton';
import { elementCount } from './tensor';

export interface OnnxModel extends ModelLocation {
  /** Folder that the locations of external data are relative to. */
  weightsFolder: string;
  name: string;
  proto: ModelProto & { graph: GraphProto };
  opset: number;
  producer: string;
  /** Elements of all stored tensors except int32, int64 and bool ones, which hold shapes, indices and masks. */
  parameters: number;
  /** Size on disk, external data included. */
  bytes: number;
  /** Cache key: path, size and modification time of each of the model's files. */
  fingerprint: string;
}

/**
 * Reads a model's graph; weights are neither parsed nor copied.
 *
 * @param path a `.onnx` file or a folder with one
 * @throws MoEDebuggerError 'model-not-found', 'model-invalid' or 'external-data'
 */
export function readModel(path: string): OnnxModel {
  const location = locateModel(path);
  const decoder = decodeGraph(location.file);
  const joined = withEmbeddings(decoder, location.file);
  const proto = joined?.proto ?? decoder;
  const { graph } = proto;
  const tensors = [
    ...tensorsOf(graph),
    ...proto.functions.flatMap(f => [
      ...tensorsOf({ ...emptyGraph, node: f.node })
    ])
  ];
  const files = checkExternalData(tensors, location.file);
  const weightsFolder = followLinks(tensors, files, location.file);
  const graphs = [location.file, ...(joined ? [joined.file] : [])];
  graphs.forEach(file => files.delete(basename(file)));
  const paths = [...graphs, ...[...files.values()].map(({ path }) => path)];
  return {
    ...location,
    weightsFolder,
    name: basename(location.folder) || basename(location.file),
    proto: inlineFunctions(proto, location.file),
    opset: Number(
      proto.opsetImport.find(({ domain }) => !domain || domain === 'ai.onnx')
        ?.version ?? 0
    ),
    producer: [proto.producerName, proto.producerVersion]
      .filter(Boolean)
      .join(' '),
    parameters: tensors
      .filter(({ dataType }) => !INDEX_TYPES.has(dataType ?? 0))
      .reduce((sum, tensor) => sum + elementCount(tensor), 0),
    bytes: paths.reduce((sum, file) => sum + statSync(file).size, 0),
    fingerprint: paths
      .map(path => `${path} ${statSync(path).size} ${statSync(path).mtimeMs}`)
      .join('\n')
  };
}

const INDEX_TYPES: ReadonlySet<number> = new Set([
  ELEMENT.int32,
  ELEMENT.int64,
  ELEMENT.bool
]);

const emptyGraph: GraphProto = {
  node: [],
  initializer: [],
  input: [],
  output: [],
  valueInfo: []
};

/** @throws MoEDebuggerError 'model-invalid' */
function decodeGraph(file: string): ModelProto & { graph: GraphProto } {
  const proto = decode(file);
  const { graph } = proto;
  if (!graph || graph.node.length === 0) {
    throw new MoEDebuggerError('model-invalid', 'the file holds no graph', {
      where: file,
      hint: 'check that it is an ONNX model'
    });
  }
  return { ...proto, graph };
}

/** A decoder that takes embeddings, with the embedding model that lies beside it; undefined for any other. */
function withEmbeddings(
  decoder: ModelProto & { graph: GraphProto },
  file: string
): { proto: ModelProto & { graph: GraphProto }; file: string } | undefined {
  if (!takesEmbeddings(decoder.graph)) {
    return undefined;
  }
  for (const beside of embeddingFiles(file)) {
    const proto = joinEmbeddings(
      decoder,
      inlineFunctions(decodeGraph(beside), beside)
    );
    if (proto) {
      return { proto, file: beside };
    }
  }
  return undefined;
}

function decode(file: string): ModelProto {
  const skeleton = readSkeleton(file);
  try {
    return decodeModelProto(skeleton);
  } catch (error) {
    throw new MoEDebuggerError(
      'model-invalid',
      'the file is not an ONNX model or is damaged',
      {
        where: file,
        hint: 'download or export it again',
        cause: error
      }
    );
  }
}
