/** Formats circuits over tasks as text. */
import {
  effectStrength,
  pruneCircuit,
  type CircuitConfidence
} from './circuit';
import { circuitEdgeText, listed } from './circuit-text';
import { counted } from './counted';
import {
  CONFIRMED_P,
  type DirectionEffect,
  type TaskCircuitDocument,
  type TaskDirection,
  type TaskFigure
} from './task-circuit';

/** The target, the measurements, and one line per edge. */
export function describeTaskCircuit(data: TaskCircuitDocument): string {
  const { model, target, threshold, notes } = data;
  const { nodes, edges } = pruneCircuit(data, threshold);
  const strongest = nodes
    .filter(({ effect }) => effect !== null)
    .sort((a, b) => effectStrength(b) - effectStrength(a));
  return [
    `Circuit of ${model} over ${counted(data.pairs.length + data.heldOut.length, 'pair')}: ${target}`,
    ...describeTaskFigures(data),
    ...(data.edges.length > 0
      ? [
          `${edges.length} of ${counted(data.total, 'edge')} between ${counted(nodes.length, 'node')}:`,
          ...listed(
            edges.map(
              edge => `  ${edge.from} > ${edge.to}: ${circuitEdgeText(edge)}`
            )
          )
        ]
      : [
          `${strongest.length} of ${counted(data.total, 'node')}:`,
          ...listed(
            strongest.map(
              ({ id, effect, confidence }) =>
                `  ${id}: ${circuitEdgeText({ from: '', to: '', effect: effect!, ...(confidence ? { confidence } : {}) })}`
            )
          )
        ]),
    ...(data.directions ?? []).map(describeDirection),
    ...notes.map(note => `note: ${note}`)
  ].join('\n');
}

/** Values, metrics and how much is confirmed, one line each. */
export function describeTaskFigures({
  values,
  pairs,
  heldOut,
  curve,
  edges,
  nodes,
  of
}: TaskCircuitDocument): string[] {
  const units: readonly { confidence?: CircuitConfidence }[] =
    of === 'edges' ? edges : nodes;
  const confirmed = units.filter(
    ({ confidence }) => confidence && confidence.p <= CONFIRMED_P
  ).length;
  return [
    `found from ${counted(pairs.length, 'pair')}, measured on ${heldOut.length === 0 ? 'the same' : counted(heldOut.length, 'held-out pair')}: clean ${values.clean.toFixed(4)}, corrupted ${values.corrupted.toFixed(4)} in the mean`,
    ...(curve
      ? [
          `CPR ${figureText(curve.cpr)}, CMD ${figureText(curve.cmd)}${curve.random ? `; of random circuits ${curve.random.cpr.toFixed(3)} and ${curve.random.cmd.toFixed(3)}` : ''}`,
          `faithfulness by share of ${of}: ${curve.points.map(({ fraction, strongest }) => `${fraction}: ${strongest.toFixed(3)}`).join(', ')}`
        ]
      : []),
    `${confirmed} ${of} confirmed over pairs (corrected p at most ${CONFIRMED_P})`
  ];
}

export function figureText({ value, low, high }: TaskFigure): string {
  return `${value.toFixed(3)}${low === null || high === null ? '' : ` (${low.toFixed(3)} to ${high.toFixed(3)})`}`;
}

export function describeDirection({
  layer,
  separated,
  steering,
  removal
}: TaskDirection): string {
  return `direction after layer ${layer}: separates ${Math.round(100 * separated)} % of pairs; steering ${directionText(steering)}; removal ${directionText(removal)}`;
}

function directionText({ effect, share, random, p }: DirectionEffect): string {
  return [
    effect.toPrecision(3),
    ...(share === null
      ? []
      : [`, ${Math.round(100 * share)} % of the difference`]),
    ...(random
      ? [
          ` (random directions ${random.mean.toPrecision(2)} ± ${random.deviation.toPrecision(2)}`
        ]
      : []),
    ...(p === undefined
      ? []
      : [`${random ? ', ' : ' ('}p ${p.toPrecision(2)})`])
  ].join('');
}
