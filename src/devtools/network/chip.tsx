import {
  layerName,
  type OutlineRouter,
  type TokenPageLayer
} from 'moe-debugger/protocol';
import { leanClass, leanOf } from '../lean';

/** A choice in a cell. */
interface ISegment {
  expert: number;
  /** Undefined where weights were not recorded. */
  weight: number | undefined;
}

/** Above this many choices the first three are drawn, and the rest as a count. */
const MOST_SEGMENTS = 4;
const SHOWN_OF_MANY = 3;

/** The experts that a token chose in a layer, largest weight first; null where the layer does not route it. */
export function segmentsOf(
  { selected, weights, topK }: TokenPageLayer,
  row: number
): ISegment[] | null {
  const slots = Array.from({ length: topK }, (_, slot) => row * topK + slot);
  return slots.some(slot => selected[slot] < -1)
    ? null
    : slots
        .filter(slot => selected[slot] >= 0)
        .map(slot => ({
          expert: selected[slot],
          weight: weights.length > 0 ? weights[slot] : undefined
        }))
        .sort((a, b) => (b.weight ?? 0) - (a.weight ?? 0));
}

/** Width of a digit and of what is around a number, in pixels. */
const DIGIT = 7;
const AROUND = 5;
/** What is left to show weights by, in pixels. */
const SPARE = 24;

function segmentWidth(experts: number): number {
  return DIGIT * String(experts - 1).length + AROUND;
}

/** The least width of a chip in which no numbers touch, in pixels. */
export function chipWidth(layers: readonly TokenPageLayer[]): number {
  return Math.max(
    72,
    ...layers.map(
      ({ experts, topK }) =>
        (segmentWidth(experts) + 1) *
          (topK > MOST_SEGMENTS ? SHOWN_OF_MANY + 1 : topK) +
        SPARE
    )
  );
}

/** One bar: a segment is an expert, its width the weight, its colour the kind of text that the expert leans to. */
export function Chip({
  layer,
  row,
  router,
  expert
}: {
  layer: TokenPageLayer;
  row: number;
  /** Of the outline: for colours. */
  router: OutlineRouter | undefined;
  /** The selected expert, if the layer is the selected one. */
  expert: number | undefined;
}): JSX.Element | null {
  const segments = segmentsOf(layer, row);
  if (!segments) {
    return <span className="moe-Chip moe-mod-none" />;
  }
  const shown =
    segments.length > MOST_SEGMENTS
      ? segments.slice(0, SHOWN_OF_MANY)
      : segments;
  const isClose = layer.margins[row] < layer.nearMiss;
  const dropped = layer.topK - segments.length;
  return (
    <span
      className={`moe-Chip${isClose ? ' moe-mod-close' : ''}`}
      aria-label={chipText(layer, row)}
    >
      {shown.map((own, i) => (
        <i
          key={i}
          className={`moe-Chip-segment ${router ? leanClass(leanOf(router, own.expert)) : ''}${own.expert === expert ? ' moe-mod-selected' : ''}`}
          style={{
            flexGrow: Math.max(0.05, own.weight ?? 1),
            minWidth: segmentWidth(layer.experts)
          }}
        >
          {own.expert}
        </i>
      ))}
      {segments.length > shown.length && (
        <i className="moe-Chip-more">+{segments.length - shown.length}</i>
      )}
      {dropped > 0 && <i className="moe-Chip-dropped">−{dropped}</i>}
    </span>
  );
}

/** "layer 2: 2 (0.93), 6 (0.07)" */
export function chipText(layer: TokenPageLayer, row: number): string {
  const segments = segmentsOf(layer, row);
  return segments
    ? `${layerName(layer)}: ${segments
        .map(({ expert, weight }) =>
          weight === undefined
            ? `${expert}`
            : `${expert} (${weight.toFixed(2)})`
        )
        .join(', ')}`
    : layerName(layer);
}
