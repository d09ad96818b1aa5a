/** Decomposes SkipLayerNormalization into the residual sum and its norm. */
import { attributeFloat } from '../attributes';
import { cannotDecompose, type Decomposition } from './decomposition';

export const skipNorms: Decomposition = {
  ops: [
    'com.microsoft.SkipLayerNormalization',
    'com.microsoft.SkipSimplifiedLayerNormalization'
  ],
  write(node, { graph, writer }) {
    const simplified = node.op.includes('Simplified');
    const [x, skip, scale, ...rest] = node.inputs;
    const [beta, bias] = simplified ? ['', rest[0]] : rest;
    const [y, mean, inverse, sum] = node.outputs;
    if (
      [mean, inverse].some(
        statistic => statistic && graph.consumers(statistic).length > 0
      )
    ) {
      throw cannotDecompose(graph, node, 'its statistics are read');
    }
    const terms = bias ? [writer.op('Add', [x, bias]), skip] : [x, skip];
    const total = sum || writer.op('Add', terms);
    if (sum) {
      writer.into([sum], 'Add', terms);
    }
    const epsilon = {
      float:
        attributeFloat(node.proto, 'epsilon') ?? (simplified ? 1e-5 : 1e-12)
    };
    writer.into(
      [y],
      simplified ? 'SimplifiedLayerNormalization' : 'LayerNormalization',
      [total, scale, ...(beta ? [beta] : [])],
      { axis: -1, epsilon }
    );
  }
};
