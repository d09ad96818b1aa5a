/** The demo model as a merged decoder, as Optimum makes one: the whole model in both branches of an If. */
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readModel } from '../src/onnx/file/model';
import {
  ELEMENT,
  encodeModelProto,
  type AttributeProto,
  type GraphProto,
  type NodeProto
} from '../src/onnx/file/schema';
import { DEMO } from './zoo';

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

/** A branch: the graph's nodes under names of their own, which may read another past than they are given. */
function branch(
  graph: GraphProto,
  own: string,
  pastOf: (name: string) => string,
  before: NodeProto[]
): GraphProto {
  const made = new Set(graph.node.flatMap(({ output }) => output));
  const rename = (name: string): string =>
    made.has(name)
      ? `${own}/${name}`
      : name.startsWith('past')
        ? pastOf(name)
        : name;
  return {
    name: own,
    initializer: [],
    input: [],
    valueInfo: [],
    node: [
      ...before,
      ...graph.node.map(node => ({
        ...node,
        name: `${own}/${node.name}`,
        input: node.input.map(rename),
        output: node.output.map(rename)
      }))
    ],
    output: graph.output.map(info => ({ ...info, name: rename(info.name!) }))
  };
}

function merge(graph: GraphProto): GraphProto {
  const pasts = graph.input
    .map(({ name }) => name!)
    .filter(name => name.startsWith('past'));
  const withCache = branch(graph, 'with', name => name, []);
  // No rows of the past are read, whatever is fed.
  const emptied: NodeProto[] = pasts.map(name => ({
    opType: 'Slice',
    name: `without/empty/${name}`,
    input: [name, 'merge/zero', 'merge/zero', 'merge/two'],
    output: [`without/${name}`],
    attribute: []
  }));
  const without = branch(graph, 'without', name => `without/${name}`, emptied);
  const constant = (name: string, value: number) => ({
    name,
    dims: [1],
    dataType: ELEMENT.int64,
    int64Data: [value],
    floatData: [],
    int32Data: [],
    doubleData: [],
    uint64Data: [],
    externalData: []
  });
  return {
    ...graph,
    valueInfo: [],
    initializer: [
      ...graph.initializer,
      constant('merge/zero', 0),
      constant('merge/two', 2)
    ],
    input: [
      ...graph.input,
      {
        name: 'use_cache_branch',
        type: {
          tensorType: {
            elemType: ELEMENT.bool,
            shape: { dim: [{ dimValue: 1 }] }
          }
        }
      }
    ],
    node: [
      {
        opType: 'If',
        name: 'merged',
        input: ['use_cache_branch'],
        output: graph.output.map(({ name }) => name!),
        attribute: [
          attribute('then_branch', { type: 5, g: withCache }),
          attribute('else_branch', { type: 5, g: without })
        ]
      }
    ]
  };
}

/** Writes it to a folder; the branch without a cache must be taken for prompts. Returns the file. */
export function writeMergedDemo(folder: string): string {
  const { proto } = readModel(DEMO);
  // The weights stay in the file that they are in, which the merged graph refers to by name.
  for (const name of ['model.onnx', 'config.json', 'tokenizer.json']) {
    copyFileSync(join(DEMO, name), join(folder, name));
  }
  const path = join(folder, 'decoder_model_merged.onnx');
  writeFileSync(
    path,
    encodeModelProto({ ...proto, graph: merge(proto.graph) })
  );
  return path;
}
