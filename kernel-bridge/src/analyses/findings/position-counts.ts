/** Counts an expert's tokens by their position in the sequence. */

/** The first token, and eighths of the sequence. */
export const POSITION_CLASSES = [
  'first token',
  ...Array.from({ length: 8 }, (_, i) => `eighth ${i + 1} of the sequence`)
];
const PARTS = 8;
/** Shorter sequences are not divided into eighths. */
const MIN_TOKENS = 16;

export class PositionCounts {
  /** Number of sequences long enough to count. */
  sequences = 0;
  /** [classes]: tokens */
  readonly tokens = new Float64Array(PARTS + 1);
  /** [classes, experts]: selections */
  readonly counts: Float64Array;
  /** [classes, experts]: sequences in which the expert's rate within the class was above its rate outside, and below */
  readonly higher: Float64Array;
  readonly lower: Float64Array;
  private readonly _own: Float64Array;

  constructor(readonly experts: number) {
    const cells = (PARTS + 1) * experts;
    this.counts = new Float64Array(cells);
    this.higher = new Float64Array(cells);
    this.lower = new Float64Array(cells);
    this._own = new Float64Array(cells);
  }

  /** @param selected [tokens, topK] of one sequence */
  add(selected: Int32Array, topK: number): void {
    const tokens = selected.length / topK;
    if (tokens < MIN_TOKENS) {
      return;
    }
    this.sequences++;
    const own = this._own.fill(0);
    const { experts } = this;
    for (let slot = 0; slot < selected.length; slot++) {
      const expert = selected[slot];
      if (expert >= 0) {
        const t = Math.floor(slot / topK);
        own[(1 + Math.floor((t * PARTS) / tokens)) * experts + expert]++;
        if (t === 0) {
          own[expert]++;
        }
      }
    }
    const sizes = Array.from({ length: PARTS + 1 }, (_, c) =>
      c === 0
        ? 1
        : Math.ceil((c * tokens) / PARTS) -
          Math.ceil(((c - 1) * tokens) / PARTS)
    );
    for (let e = 0; e < experts; e++) {
      let total = 0;
      for (let c = 1; c <= PARTS; c++) {
        total += own[c * experts + e];
      }
      sizes.forEach((size, c) => {
        const at = c * experts + e;
        const inside = own[at] / size;
        const outside = (total - own[at]) / (tokens - size);
        this.counts[at] += own[at];
        this.higher[at] += inside > outside ? 1 : 0;
        this.lower[at] += inside < outside ? 1 : 0;
      });
    }
    sizes.forEach((size, c) => (this.tokens[c] += size));
  }
}
