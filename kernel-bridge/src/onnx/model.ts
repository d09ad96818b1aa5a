/** An ONNX model as this project works with it: the graph in memory, the weights in their files. */
import { basename } from 'node:path';
import { statSync } from 'node:fs';
import { MoEDebuggerError } from '../errors';
import { inlineFunctions } from '../graph/inline-functions';
import { checkExternalData, followLinks, tensorsOf } from './external-data';
import { locateModel, type ModelLocation } from './locate';
import { decodeModelProto, type GraphProto, type ModelProto } from './schema';
import { readSkeleton } from './skeleton';
import { elementCount } from './tensor';

export interface OnnxModel extends ModelLocation {
  /** What the names of external data are relative to. */
  weightsFolder: string;
  name: string;
  proto: ModelProto & { graph: GraphProto };
  opset: number;
  producer: string;
  /** Elements of all initializers and constants of the graph and its bodies. */
  parameters: number;
  /** Size on disk, external data included. */
  bytes: number;
}

/**
 * Reads a model's graph; weights are neither parsed nor copied.
 *
 * @param path a `.onnx` file or a folder with one
 * @throws MoEDebuggerError 'model-not-found', 'model-invalid' or 'external-data'
 */
export function readModel(path: string): OnnxModel {
  const location = locateModel(path);
  const proto = decode(location.file);
  const { graph } = proto;
  if (!graph || graph.node.length === 0) {
    throw new MoEDebuggerError('model-invalid', 'the file holds no graph', {
      where: location.file,
      hint: 'check that it is an ONNX model'
    });
  }
  const tensors = [
    ...tensorsOf(graph),
    ...proto.functions.flatMap(f => [
      ...tensorsOf({ ...emptyGraph, node: f.node })
    ])
  ];
  const files = checkExternalData(tensors, location.file);
  const weightsFolder = followLinks(tensors, files, location.file);
  const own = statSync(location.file).size;
  files.delete(basename(location.file));
  return {
    ...location,
    weightsFolder,
    name: basename(location.folder) || basename(location.file),
    proto: inlineFunctions({ ...proto, graph }, location.file),
    opset: Number(
      proto.opsetImport.find(({ domain }) => !domain || domain === 'ai.onnx')
        ?.version ?? 0
    ),
    producer: [proto.producerName, proto.producerVersion]
      .filter(Boolean)
      .join(' '),
    parameters: tensors.reduce((sum, tensor) => sum + elementCount(tensor), 0),
    bytes: own + [...files.values()].reduce((sum, { size }) => sum + size, 0)
  };
}

const emptyGraph: GraphProto = {
  node: [],
  initializer: [],
  input: [],
  output: [],
  valueInfo: []
};

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
