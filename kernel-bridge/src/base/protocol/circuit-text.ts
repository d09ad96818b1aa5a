/** Formats circuits as text. */
import { counted } from './counted';
import {
  effectStrength,
  pruneCircuit,
  type CircuitConfidence,
  type CircuitDocument,
  type CircuitEdge,
  type CircuitTarget
} from './circuit';
import { layerName } from './routing';
import { CONFIRMED_P } from './task-circuit';

/** Text is for people; programs read the document. */
const MAX_LINES = 40;

/** The target, the measurements, and one line per edge. */
export function describeCircuit(data: CircuitDocument): string {
  const { model, target, threshold, notes } = data;
  const { nodes, edges } = pruneCircuit(data, threshold);
  const strongest = [...nodes]
    .filter(({ effect }) => effect !== null)
    .sort((a, b) => effectStrength(b) - effectStrength(a));
  return [
    `Circuit of ${model}: ${describeCircuitTarget(target)}`,
    ...describeCircuitFigures(data),
    ...(data.edges.length > 0
      ? [
          `${edges.length} of ${counted(data.edges.length, 'edge')} between ${counted(nodes.length, 'node')}:`,
          ...listed(
            edges.map(
              edge => `  ${edge.from} > ${edge.to}: ${circuitEdgeText(edge)}`
            )
          )
        ]
      : [
          `${strongest.length} of ${counted(data.nodes.length, 'node')}:`,
          ...listed(
            strongest.map(
              ({ id, effect, patched }) =>
                `  ${id}: ${effect!.toFixed(4)}${patched === undefined || patched === null ? '' : `, measured ${patched.toFixed(4)}`}`
            )
          )
        ]),
    ...notes.map(note => `note: ${note}`)
  ].join('\n');
}

export function circuitEdgeText({
  input,
  effect,
  confidence
}: CircuitEdge): string {
  return `${input ? `${input} ` : ''}${effect.toPrecision(3)}${confidence ? confidenceText(confidence) : ''}`;
}

function confidenceText({ included, p }: CircuitConfidence): string {
  return [
    ...(included === null ? [] : [`, in ${Math.round(100 * included)} %`]),
    ...(p <= CONFIRMED_P ? [', confirmed'] : [])
  ].join('');
}

export function describeCircuitTarget(target: CircuitTarget): string {
  const { kind, position, token, text, against, againstText } = target;
  switch (kind) {
    case 'router':
      return `score of ${layerName({ layer: target.layer ?? 0, stack: target.stack, module: target.module })} expert ${target.expert} at token ${position}`;
    case 'logit-difference':
      return `logit of ${JSON.stringify(text ?? token)} minus that of ${JSON.stringify(againstText ?? against)} after token ${position}`;
    default:
      return `${kind} of ${JSON.stringify(text ?? token)} after token ${position}`;
  }
}

/** Values, faithfulness and correlations, one line each. */
export function describeCircuitFigures({
  direction,
  values,
  faithfulness,
  correlation = {}
}: CircuitDocument): string[] {
  const best = faithfulness?.points
    .slice(1, -1)
    .map(
      ({ size, faithfulness: share, random }) =>
        `${size}: ${figure(share)}${random ? ` (random ${figure(random.mean)} ± ${figure(random.deviation)})` : ''}`
    );
  return [
    `clean ${values.clean.toFixed(4)}, corrupted ${values.corrupted.toFixed(4)}; effects of patching ${direction === 'noising' ? 'corrupted activations into the clean run' : 'clean activations into the corrupted run'}`,
    ...(faithfulness && best
      ? [
          `faithfulness by ${faithfulness.of} of ${faithfulness.total}: ${best.join(', ')}`
        ]
      : []),
    ...(['nodes', 'cells'] as const).flatMap(of => {
      const found = correlation[of];
      return found
        ? [
            `first-order and measured effects of ${found.n} ${of === 'nodes' ? 'nodes' : 'nodes at single tokens'}: Pearson ${figure(found.pearson)}, Spearman ${figure(found.spearman)}, same sign ${figure(found.sameSign)}`
          ]
        : [];
    })
  ];
}

function figure(value: number | null): string {
  return value === null ? '-' : value.toFixed(3);
}

export function listed(lines: readonly string[]): string[] {
  const more = lines.length - MAX_LINES;
  return more > 0
    ? [...lines.slice(0, MAX_LINES), `  ... and ${more} weaker ones`]
    : [...lines];
}
