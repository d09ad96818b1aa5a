import {
  drawCircuit,
  type CircuitPart,
  type DrawnGraph
} from 'moe-debugger/charts';
import type { CircuitNode, PrunedCircuit } from 'moe-debugger/protocol';
import type { ITranslation } from '../../translation';

const MAX_LETTERS = 10;

/** Draws a circuit with short labels, since the row names the layer. */
export function drawStage(
  stage: PrunedCircuit,
  peak: number,
  trans: ITranslation
): DrawnGraph {
  return drawCircuit(stage, trans.__('Circuit'), {
    lines: node => [nodeLabel(node)],
    details: () => [],
    groupName: (part, layer) =>
      layer === undefined ? '' : layerPart(part, layer, trans),
    isEnd: () => false,
    peak
  });
}

function nodeLabel({ kind, index }: CircuitNode): string {
  const label =
    (kind === 'head' || kind === 'expert') && index !== undefined
      ? String(index)
      : kind;
  return label.slice(0, MAX_LETTERS);
}

function layerPart(
  part: CircuitPart,
  layer: number,
  trans: ITranslation
): string {
  switch (part) {
    case 'attention':
      return trans.__('%1 attn', layer);
    case 'experts':
      return trans.__('%1 experts', layer);
    default:
      return String(layer);
  }
}
