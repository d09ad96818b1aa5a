/** Text in place of a chart, for those who do not see it. */
import type { VegaLiteSpec } from './spec';

/**
 * A specification with a description, which Vega hands to screen readers: the given one, or its title and subtitle. One that it has
 * already is kept.
 */
export function described(spec: VegaLiteSpec, text?: string): VegaLiteSpec {
  const description = text ?? titleOf(spec);
  return 'description' in spec || description === ''
    ? spec
    : { ...spec, description };
}

/** The description of a specification; empty if it has none. */
export function descriptionOf(spec: VegaLiteSpec): string {
  const { description } = described(spec);
  return typeof description === 'string' ? description : '';
}

function titleOf({ title }: VegaLiteSpec): string {
  const { text, subtitle } =
    typeof title === 'object' && title !== null
      ? (title as { text?: unknown; subtitle?: unknown })
      : { text: title, subtitle: undefined };
  return [text, subtitle]
    .flat()
    .filter((line): line is string => typeof line === 'string' && line !== '')
    .join(', ');
}
