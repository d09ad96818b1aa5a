import { labelStride } from 'moe-debugger/charts';
import { layerName, type RoutingLayer } from 'moe-debugger/protocol';
import type { ITranslation } from '../../translation';
import type { IHeatmapLook } from './colors';
import { placeLabels, tokenLabels, wordLabels, type ILabel } from './labels';
import type { ILane } from './lanes';
import { labelKind, type ILayout } from './layout';
import { paintCells } from './paint';
import type { IRange } from './range';
import type { Viewport } from './viewport';

/** Columns of this width have a line of ground between them, in pixels. */
const GAP_FROM = 5;
const SMALL = 10;
const LABEL = 11;
const RATE_GAP = 34;

/** Draws a heatmap into a canvas of its layout's size. */
export class HeatmapPicture {
  constructor(
    private _context: CanvasRenderingContext2D,
    private _viewport: Viewport,
    private _layout: ILayout,
    private _look: IHeatmapLook,
    private _trans: ITranslation
  ) {
    this._scale = window.devicePixelRatio || 1;
  }

  draw(): void {
    const context = this._context;
    context.setTransform(this._scale, 0, 0, this._scale, 0, 0);
    context.clearRect(0, 0, this._layout.width, this._layout.height);
    context.textBaseline = 'middle';
    this._drawStrip();
    this._drawLabels();
    for (const lane of this._layout.lanes) {
      this._drawLane(lane);
    }
    this._drawPositions();
    this._drawBars();
  }

  private _drawLane(lane: ILane): void {
    const { model, pane, range } = this._viewport;
    const layer = model.sample(pane).layers[lane.layerIndex];
    this._ground(lane.top, lane.height);
    this._cells(layer, range, lane, {
      columns: this._viewport.columnWidth,
      top: lane.top,
      height: lane.height
    });
    if (lane.isFocus) {
      this._lines(lane);
      this._numbers(lane);
    }
    const isWide = this._layout.left > RATE_GAP;
    if (isWide || !lane.isFocus) {
      this._text(
        isWide ? layerName(layer) : String(layer.layer),
        isWide ? 2 : this._layout.left - 6,
        lane.isFocus ? lane.top + 7 : lane.top + lane.height / 2,
        {
          size: LABEL,
          color: this._look.text,
          align: isWide ? 'left' : 'right',
          isBold: lane.isFocus || !isWide,
          most: isWide ? 62 : 26
        }
      );
    }
  }

  /** Cells are painted a pixel each, or the largest of a pixel, and scaled without smoothing. */
  private _cells(
    layer: RoutingLayer | undefined,
    range: IRange,
    { rows, rowOf }: Pick<ILane, 'rows' | 'rowOf'>,
    place: { columns: number; top: number; height: number }
  ): void {
    const { model, isLog } = this._viewport;
    const { left, right } = this._layout;
    const pixels = Math.max(1, Math.round((right - left) * this._scale));
    const isExact = place.columns * this._scale >= 1;
    const whole = isExact
      ? { from: Math.floor(range.from), to: Math.ceil(range.to) }
      : range;
    const columns = isExact ? Math.max(1, whole.to - whole.from) : pixels;
    if (!layer || rows === 0) {
      return;
    }
    const image = new ImageData(columns, rows);
    paintCells(new Uint32Array(image.data.buffer), {
      layer,
      values:
        model.measure === 'probability'
          ? model.probabilities(layer)
          : undefined,
      range: whole,
      columns,
      rows,
      rowOf,
      palette: this._look.palette,
      ceiling: model.ceiling,
      isLog: isLog && model.measure === 'probability'
    });
    const canvas = document.createElement('canvas');
    canvas.width = columns;
    canvas.height = rows;
    canvas.getContext('2d')?.putImageData(image, 0, 0);
    const context = this._context;
    const span = range.to - range.from;
    context.imageSmoothingEnabled = false;
    context.drawImage(
      canvas,
      isExact ? range.from - whole.from : 0,
      0,
      isExact ? span : columns,
      rows,
      left,
      place.top,
      right - left,
      place.height
    );
  }

  private _ground(top: number, height: number): void {
    const { left, right } = this._layout;
    this._context.fillStyle = this._look.ground;
    this._context.fillRect(left, top, right - left, height);
  }

  /** Lines of ground between wide cells, on whole pixels of the screen as the edges of cells are. */
  private _lines({ top, height, rows }: ILane): void {
    const { left, right } = this._layout;
    const { range, columnWidth } = this._viewport;
    const context = this._context;
    const gap = Math.round(this._scale) / this._scale;
    const whole = (length: number): number =>
      Math.round(length * this._scale) / this._scale;
    context.fillStyle = this._look.ground;
    if (columnWidth >= GAP_FROM) {
      for (let t = Math.ceil(range.from); t <= range.to; t++) {
        const x = whole(this._x(t));
        if (x > left) {
          context.fillRect(x - gap, top, gap, height);
        }
      }
    }
    const row = height / rows;
    for (let r = 1; r < rows && row >= GAP_FROM; r++) {
      context.fillRect(left, whole(top + r * row) - gap, right - left, gap);
    }
  }

  /** The number of each expert beside its row, as far as they fit. */
  private _numbers({ top, height, rows }: ILane): void {
    const { experts, folded } = this._viewport.rows();
    const { cursor } = this._viewport.model;
    const row = height / rows;
    const stride = Math.max(1, Math.ceil(11 / row));
    experts.forEach((expert, r) => {
      if (r % stride === 0) {
        const isSelected =
          cursor?.pane === this._viewport.pane && cursor.expert === expert;
        this._text(
          String(expert),
          this._layout.left - 6,
          top + (r + 0.5) * row,
          {
            size: LABEL,
            color: isSelected ? this._look.selected : this._look.faint,
            align: 'right',
            isBold: isSelected
          }
        );
      }
    });
    if (folded > 0) {
      this._text(
        `+${folded}`,
        this._layout.left - 6,
        top + (rows - 0.5) * row,
        { size: LABEL, color: this._look.faint, align: 'right' }
      );
    }
  }

  /** Above columns: texts upright, then words, then nothing. */
  private _drawLabels(): void {
    const { tokens, characters, range, columnWidth, hits, query } =
      this._viewport;
    const { labels, left, right } = this._layout;
    const kind = labelKind(columnWidth);
    if (labels.bottom <= labels.top || kind === 'none') {
      return;
    }
    const context = this._context;
    const all = tokenLabels(tokens, characters, range);
    context.save();
    context.beginPath();
    context.rect(
      left,
      labels.top,
      right - left,
      labels.bottom - labels.top + 4
    );
    context.clip();
    if (kind === 'upright') {
      for (const label of all) {
        this._upright(label, query !== '' && hits.some(isOver(label)));
      }
    } else {
      context.font = `${SMALL}px ${this._look.codeFont}`;
      const placed = placeLabels(
        wordLabels(all),
        token => Math.max(left, this._x(token)),
        text => context.measureText(text).width,
        { end: right }
      );
      for (const label of placed) {
        this._text(label.text, label.x, labels.bottom - 8, {
          size: SMALL,
          isCode: true,
          color:
            query !== '' && hits.some(isOver(label))
              ? this._look.hit
              : this._look.text
        });
      }
    }
    context.restore();
  }

  private _upright(label: ILabel, isHit: boolean): void {
    const { labels } = this._layout;
    const context = this._context;
    const from = this._x(label.from);
    const to = this._x(label.to);
    const color = isHit ? this._look.hit : this._look.text;
    if (label.isCharacter) {
      // A bracket over the columns of the character's bytes.
      context.strokeStyle = this._look.faint;
      context.lineWidth = 1;
      context.beginPath();
      context.moveTo(from + 2.5, labels.bottom + 2);
      context.lineTo(from + 2.5, labels.bottom - 1.5);
      context.lineTo(to - 2.5, labels.bottom - 1.5);
      context.lineTo(to - 2.5, labels.bottom + 2);
      context.stroke();
      this._text(label.text, (from + to) / 2, labels.bottom - 11, {
        size: 12,
        isCode: true,
        color,
        align: 'center',
        most: to - from
      });
      return;
    }
    context.save();
    context.translate((from + to) / 2, labels.bottom);
    context.rotate(-Math.PI / 2);
    this._text(label.text, 0, 0, {
      size: LABEL,
      isCode: true,
      isBold: isHit,
      color,
      most: labels.bottom - labels.top
    });
    context.restore();
  }

  /** The whole sample, its lines, and where the search hits. */
  private _drawStrip(): void {
    const { strip, left, right, labels } = this._layout;
    if (!strip) {
      return;
    }
    const { model, pane, columns, hits, lines, range } = this._viewport;
    const layer = model.layer(pane);
    const context = this._context;
    const width = right - left;
    const x = (token: number): number => left + (token / columns) * width;
    this._ground(strip.top, strip.height);
    if (layer) {
      const rows = Math.min(layer.experts, strip.height);
      this._cells(
        layer,
        { from: 0, to: columns },
        {
          rows,
          rowOf: Int32Array.from({ length: layer.experts }, (_, expert) =>
            Math.floor((expert * rows) / layer.experts)
          )
        },
        { columns: width / columns, top: strip.top, height: strip.height }
      );
    }
    context.font = `${SMALL}px ${this._look.font}`;
    const marks = placeLabels(
      lines.map(line => ({ ...line, text: shortened(line.text) })),
      x,
      text => context.measureText(text).width + 4,
      { end: right + 8, gap: 10 }
    );
    for (const { text, x: at } of marks) {
      context.fillStyle = this._look.rule;
      context.fillRect(at, strip.top - strip.landmarks + 2, 1, strip.landmarks);
      this._text(text, at + 3, strip.top - strip.landmarks / 2, {
        size: SMALL,
        color: this._look.faint
      });
    }
    context.fillStyle = this._look.hit;
    for (const hit of hits) {
      context.fillRect(x(hit.from), strip.top + strip.height + 1, 3, 5);
    }
    // From the part in view to the cells below it.
    context.strokeStyle = this._look.selected;
    context.globalAlpha = 0.5;
    context.lineWidth = 1;
    context.beginPath();
    const from = strip.top + strip.height;
    context.moveTo(x(range.from), from);
    context.lineTo(left, labels.top - 1);
    context.moveTo(x(range.to), from);
    context.lineTo(right, labels.top - 1);
    context.stroke();
    context.globalAlpha = 1;
    if (left > RATE_GAP) {
      this._text(
        this._trans.__('whole sample'),
        2,
        strip.top + strip.height / 2,
        {
          size: SMALL,
          color: this._look.faint,
          most: left - 8
        }
      );
    }
  }

  private _drawPositions(): void {
    const { axis, left, right } = this._layout;
    const { range, tokens } = this._viewport;
    const stride = labelStride(range.to - range.from, right - left, 48);
    const offset = tokens[0]?.position ?? 0;
    const first = Math.ceil((range.from + offset) / stride) * stride;
    for (let p = first; p < range.to + offset; p += stride) {
      const x = this._x(p - offset + 0.5);
      if (x > left + 4 && x < right - 8) {
        this._text(String(p), x, axis + 8, {
          size: SMALL,
          color: this._look.faint,
          align: 'center'
        });
      }
    }
    if (left > RATE_GAP) {
      this._text(this._trans.__('position'), 2, axis + 8, {
        size: SMALL,
        color: this._look.faint
      });
    }
  }

  /** The share of tokens that choose each expert: in view as bars, in the whole sample as ticks. */
  private _drawBars(): void {
    const { bars, lanes } = this._layout;
    const focus = lanes.find(({ isFocus }) => isFocus);
    if (!bars || !focus) {
      return;
    }
    const { model, tokens, range, isWhole, pane } = this._viewport;
    const { cursor } = model;
    const { experts } = this._viewport.rows();
    const inView = this._viewport.loads(range);
    const whole = this._viewport.wholeLoads;
    const seen = Math.max(
      1,
      Math.min(tokens.length, Math.ceil(range.to)) - Math.floor(range.from)
    );
    const ceiling = model.tokenRateCeiling;
    const row = focus.height / focus.rows;
    const room = bars.right - bars.left - (bars.hasText ? RATE_GAP : 0);
    const context = this._context;
    const height = Math.max(1, Math.min(14, row - 3));
    experts.forEach((expert, r) => {
      const top = focus.top + r * row + (row - height) / 2;
      const rate = inView[expert] / seen;
      context.fillStyle = this._look.ground;
      context.fillRect(bars.left, top, room, height);
      context.fillStyle =
        cursor?.pane === pane && cursor.expert === expert
          ? this._look.selected
          : this._look.bar;
      context.fillRect(
        bars.left,
        top,
        room * Math.min(1, rate / ceiling),
        height
      );
      if (!isWhole && tokens.length > 0) {
        const share = Math.min(1, whole[expert] / tokens.length / ceiling);
        context.fillStyle = this._look.text;
        context.fillRect(bars.left + room * share - 1, top - 1, 2, height + 2);
      }
      if (bars.hasText && row >= 10) {
        this._text(
          `${Math.round(100 * rate)} %`,
          bars.right,
          top + height / 2,
          {
            size: LABEL,
            color: this._look.faint,
            align: 'right'
          }
        );
      }
    });
    if (bars.hasText) {
      this._text(
        isWhole
          ? this._trans.__('share of tokens')
          : this._trans.__('in view, ┃ whole'),
        bars.left,
        focus.top - 8,
        { size: SMALL, color: this._look.faint }
      );
    }
  }

  private _x(token: number): number {
    const { left } = this._layout;
    const { range, columnWidth } = this._viewport;
    return left + (token - range.from) * columnWidth;
  }

  private _text(
    text: string,
    x: number,
    y: number,
    {
      size,
      color,
      align = 'left',
      isBold = false,
      isCode = false,
      most
    }: {
      size: number;
      color: string;
      align?: CanvasTextAlign;
      isBold?: boolean;
      isCode?: boolean;
      most?: number;
    }
  ): void {
    const context = this._context;
    context.font = `${isBold ? '600 ' : ''}${size}px ${isCode ? this._look.codeFont : this._look.font}`;
    context.fillStyle = color;
    context.textAlign = align;
    let shown = text;
    while (
      most !== undefined &&
      shown.length > 1 &&
      context.measureText(shown).width > most
    ) {
      shown = `${shown.slice(0, shown.endsWith('…') ? -2 : -1)}…`;
    }
    context.fillText(shown, x, y);
  }

  private _scale: number;
}

const MAX_LANDMARK = 18;

function shortened(text: string): string {
  return text.length > MAX_LANDMARK
    ? `${text.slice(0, MAX_LANDMARK - 1)}…`
    : text;
}

function isOver({ from, to }: IRange): (hit: IRange) => boolean {
  return hit => hit.from < to && hit.to > from;
}
