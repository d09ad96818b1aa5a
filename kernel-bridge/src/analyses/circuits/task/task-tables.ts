/** The tables of a circuit over a task, for a cell and for a page. */
import {
  CONFIRMED_P,
  pruneCircuit,
  type CircuitConfidence,
  type DirectionEffect,
  type TaskCircuitDocument
} from '../../../base/protocol';
import type { ResultTable, TableCell } from '../../../show/result-table';

export interface TaskTables {
  edges: ResultTable;
  nodes: ResultTable;
  curve: ResultTable;
  directions: ResultTable;
}

const CONFIDENCE = ['in circuits', 'low', 'high', 'p', 'confirmed'];
const EFFECT = ['effect', 'share', 'random', 'p'];

export function taskTables(
  data: TaskCircuitDocument,
  threshold = data.threshold
): TaskTables {
  const kept = pruneCircuit(data, threshold);
  return {
    edges: {
      title: `Edges: ${kept.edges.length} of ${data.total}`,
      columns: ['from', 'to', 'input', 'effect', ...CONFIDENCE],
      rows: kept.edges.map(({ from, to, input, effect, confidence }) => [
        from,
        to,
        input ?? null,
        effect,
        ...confidenceCells(confidence)
      ])
    },
    nodes: {
      title: `Nodes: ${kept.nodes.length} of ${data.nodes.length}`,
      columns: ['node', 'effect', ...CONFIDENCE],
      rows: kept.nodes.map(({ id, effect, confidence }) => [
        id,
        effect,
        ...confidenceCells(confidence)
      ])
    },
    curve: {
      title: `Faithfulness of the strongest ${data.of}, of the most helpful ones, and of random ones`,
      columns: ['share', 'size', 'strongest', 'helpful', 'random'],
      rows: (data.curve?.points ?? []).map(point => [
        point.fraction,
        point.size,
        point.strongest,
        point.helpful,
        point.random ?? null
      ])
    },
    directions: {
      title:
        'Directions: what adding them to corrupted prompts does to the target, and removing them to the difference',
      columns: [
        'after layer',
        'length',
        'separated',
        ...EFFECT.map(name => `steering: ${name}`),
        ...EFFECT.map(name => `removal: ${name}`)
      ],
      rows: (data.directions ?? []).map(
        ({ layer, length, separated, steering, removal }) => [
          layer,
          length,
          separated,
          ...effectCells(steering),
          ...effectCells(removal)
        ]
      )
    }
  };
}

function confidenceCells(confidence?: CircuitConfidence): TableCell[] {
  return confidence
    ? [
        confidence.included,
        confidence.low,
        confidence.high,
        confidence.p,
        confidence.p <= CONFIRMED_P ? 'yes' : 'no'
      ]
    : CONFIDENCE.map(() => null);
}

function effectCells({
  effect,
  share,
  random,
  p
}: DirectionEffect): TableCell[] {
  return [
    effect,
    share,
    random
      ? `${random.mean.toPrecision(3)} ± ${random.deviation.toPrecision(2)}`
      : null,
    p ?? null
  ];
}
