/** Circuits in words. */
import {
  layerName,
  type CircuitDocument,
  type CircuitTarget
} from '../protocol';

export function describeTarget(target: CircuitTarget): string {
  const { kind, position, token, text, against, againstText } = target;
  switch (kind) {
    case 'router':
      return `score of ${layerName({ layer: target.layer ?? 0, stack: target.stack, module: target.module })} expert ${target.expert} at token ${position}`;
    case 'logit-difference':
      return `logit of ${JSON.stringify(text ?? token)} less that of ${JSON.stringify(againstText ?? against)} after token ${position}`;
    default:
      return `${kind} of ${JSON.stringify(text ?? token)} after token ${position}`;
  }
}

/** Values, faithfulness and correlations, a line each. */
export function describeFigures({
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
