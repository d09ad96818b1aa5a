/**
 * Rows of a running trace for one reader, as fast as the reader takes them. Rows that come while the reader is busy go
 * together in the next message; a message has a size limit, and what does not fit is thinned: first the logits are left
 * out, then the oldest rows. The trace itself loses nothing.
 */
import {
  encodeRows,
  type EncodedRows,
  type TraceRows
} from '../../base/protocol';
import type { RunningTrace } from './running-trace';

export interface FeedLimits {
  /** Least milliseconds between two messages: about a frame of a screen. */
  interval: number;
  /** Messages that are sent without an answer. */
  unanswered: number;
  /** Bytes of routing in a message. */
  bytes: number;
  /** Bytes of routing in a second: Jupyter's server drops messages above 1 MB in a second. */
  bytesPerSecond: number;
}

export const FEED_LIMITS: Readonly<FeedLimits> = {
  interval: 16,
  unanswered: 16,
  bytes: 48 * 1024,
  bytesPerSecond: 500_000
};

export interface FeedMessage {
  /** Numbers the messages of a feed from 1; the reader answers with the last number that it has drawn. */
  batch: number;
  rows: EncodedRows;
}

export class LiveFeed {
  private readonly _stop: () => void;
  private _rows: number;
  private _steps: number;
  private _batch = 0;
  private _answered = 0;
  /** When the next message may go, by `performance.now`. */
  private _next = 0;
  private _timer: NodeJS.Timeout | undefined;

  /**
   * @param from rows and steps that the reader has
   * @param _send takes a message; it is not called after `dispose`
   */
  constructor(
    private readonly _running: RunningTrace,
    from: { rows: number; steps: number },
    private readonly _send: (message: FeedMessage) => void,
    private readonly _limits: FeedLimits = FEED_LIMITS
  ) {
    this._rows = from.rows;
    this._steps = from.steps;
    this._stop = _running.onChange(() => this._update());
    this._update();
  }

  /** The reader has drawn all messages up to this one. */
  answer(batch: number): void {
    this._answered = Math.min(this._batch, Math.max(this._answered, batch));
    this._update();
  }

  dispose(): void {
    this._stop();
    clearTimeout(this._timer);
  }

  private _update(): void {
    if (
      this._rows >= this._running.tokens ||
      this._batch - this._answered >= this._limits.unanswered
    ) {
      return;
    }
    const wait = this._next - performance.now();
    // The rest of a trace that has ended need not wait: nothing follows it.
    if (wait <= 0 || this._running.ended) {
      this._flush();
    } else if (this._timer === undefined) {
      this._timer = setTimeout(() => {
        this._timer = undefined;
        this._update();
      }, wait).unref();
    }
  }

  private _flush(): void {
    const rows = this._running.rows(this._rows, this._steps);
    this._rows += rows.tokens.length;
    this._steps += rows.steps.length;
    const thinned = thin(rows, this._limits.bytes);
    const { interval, bytesPerSecond } = this._limits;
    this._next =
      performance.now() +
      Math.max(interval, (1000 * thinned.bytes) / bytesPerSecond);
    this._send({
      batch: ++this._batch,
      rows: encodeRows(thinned.rows, { withoutLogits: thinned.withoutLogits })
    });
  }
}

/** Leaves out of rows what does not fit into a number of bytes; the newest row always stays. */
export function thin(
  rows: TraceRows,
  most: number
): { rows: TraceRows; withoutLogits: boolean; bytes: number } {
  const own = rows.layers.filter(({ stack }) => stack !== 'encoder');
  const bare = 4 * own.reduce((sum, { topK }) => sum + 2 * topK, 0);
  const whole = bare + 4 * own.reduce((sum, { experts }) => sum + experts, 0);
  const count = rows.tokens.length;
  if (count * whole <= most) {
    return { rows, withoutLogits: false, bytes: count * whole };
  }
  const kept = Math.min(count, Math.max(1, Math.floor(most / bare)));
  return {
    rows: newest(rows, kept),
    withoutLogits: true,
    bytes: kept * bare
  };
}

function newest(rows: TraceRows, kept: number): TraceRows {
  const skipped = rows.tokens.length - kept;
  if (skipped === 0) {
    return rows;
  }
  return {
    ...rows,
    skipped: rows.tokens.slice(0, skipped),
    tokens: rows.tokens.slice(skipped),
    layers: rows.layers.map(layer => {
      const from = layer.stack === 'encoder' ? 0 : skipped;
      return {
        ...layer,
        logits: layer.logits.subarray(from * layer.experts),
        selected: layer.selected.subarray(from * layer.topK),
        weights: layer.weights.subarray(from * layer.topK)
      };
    })
  };
}
