import type { RoutingSize } from '../pane-options';
import { placeLanes, shownLayers, type ILane, type IRows } from './lanes';

/** Where the parts of a heatmap stand, in pixels of the page. */
export interface ILayout {
  width: number;
  height: number;
  /** Of the cells. */
  left: number;
  right: number;
  /** The whole sample above what is in view; absent where all is in view and fits. */
  strip: { top: number; height: number; landmarks: number } | undefined;
  /** Of the labels of tokens: they stand on `bottom`. */
  labels: { top: number; bottom: number };
  lanes: readonly ILane[];
  /** Of the positions below the cells. */
  axis: number;
  /** Of the bars of the loads; absent where there is no room. */
  bars: { left: number; right: number; hasText: boolean } | undefined;
}

export type LabelKind = 'upright' | 'words' | 'none';

/** Columns of this width have a label each; those of the next, words. In pixels. */
const UPRIGHT_FROM = 11;
const WORDS_FROM = 4;

export function labelKind(columnWidth: number): LabelKind {
  return columnWidth >= UPRIGHT_FROM
    ? 'upright'
    : columnWidth >= WORDS_FROM
      ? 'words'
      : 'none';
}

/** The places of a layer's experts and of what is around them need this width. */
const WIDE = 480;
const LANDMARKS = 16;
const STRIP = 32;
/** Between the strip and the labels: the hits and the lines of the part in view. */
const BELOW_STRIP = 18;
const LABELS = 58;
const NARROW_LABELS = 34;
/** Also room for the title of the bars. */
const WORDS_HEIGHT = 16;
const AXIS = 18;

/** Places the parts in a width. */
export function layOut({
  width,
  layers,
  focus,
  rows,
  size,
  hasStrip,
  labels
}: {
  width: number;
  /** Experts of each layer of the sample. */
  layers: readonly { experts: number }[];
  /** Index of the layer in focus. */
  focus: number;
  rows: IRows;
  size: RoutingSize;
  /** Whether a strip of the whole sample is wanted. */
  hasStrip: boolean;
  /** Whether columns have an upright label each, or words, or none. */
  labels: LabelKind;
}): ILayout {
  const isWide = width >= WIDE;
  const hasContext = size === 'large';
  const isSmall = size === 'small';
  const left = isSmall ? 24 : isWide && hasContext ? 88 : 34;
  const bars = isSmall || width < 200 ? 0 : isWide ? 112 : 34;
  const right = width - (bars > 0 ? bars + 8 : 2);
  const strip =
    hasStrip && !isSmall
      ? { top: LANDMARKS, height: STRIP, landmarks: LANDMARKS }
      : undefined;
  const top = strip ? strip.top + strip.height + BELOW_STRIP : 0;
  const bottom = isSmall
    ? 0
    : top +
      (labels === 'upright' ? (isWide ? LABELS : NARROW_LABELS) : WORDS_HEIGHT);
  const lanes = placeLanes(
    shownLayers(layers.length, focus, hasContext).map(layerIndex => ({
      layerIndex,
      experts: layers[layerIndex].experts
    })),
    focus,
    rows,
    bottom + 4
  );
  const last = lanes.at(-1);
  const axis = (last ? last.top + last.height : bottom) + 2;
  return {
    width,
    height: axis + AXIS,
    left,
    right: Math.max(left + 20, right),
    strip,
    labels: { top, bottom },
    lanes,
    axis,
    bars:
      bars > 0
        ? { left: width - bars, right: width - 2, hasText: isWide }
        : undefined
  };
}
