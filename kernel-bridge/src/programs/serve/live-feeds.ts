/** The traces in the making that one client follows. */
import { MoEDebuggerError } from '../../base/errors';
import { extractBuffers, type FromKernel } from '../../base/protocol';
import type { EncodedRows } from '../../base/protocol';
import { LiveFeed, type FeedMessage } from '../../run/trace/live-feed';
import { sessionStore } from '../../api/store';

/** Prompts that run side by side, and then some. */
const MAX_FEEDS = 32;

export class LiveFeeds {
  private readonly _feeds = new Map<string, LiveFeed>();

  constructor(
    private readonly _send: (
      message: FromKernel,
      buffers: readonly ArrayBufferView[]
    ) => void
  ) {}

  /**
   * Sends the rows that come after those of now. A trace that has ended has none.
   * @throws MoEDebuggerError 'input' for too many traces at once
   */
  follow(id: string): void {
    this.unfollow(id);
    const running = sessionStore().running(id);
    if (!running) {
      return;
    }
    if (this._feeds.size >= MAX_FEEDS) {
      throw new MoEDebuggerError('input', 'too many traces are followed', {
        hint: 'unfollow one'
      });
    }
    const had = { rows: running.tokens, steps: running.steps.length };
    this._feeds.set(
      id,
      new LiveFeed(running, had, message => this._forward(message))
    );
    // After the feed, which sends the last rows first.
    running.onChange(() => {
      if (running.ended) {
        this.unfollow(id);
      }
    });
  }

  /** The client has drawn the rows up to that message. */
  answer(id: string, batch: number): void {
    this._feeds.get(id)?.answer(batch);
  }

  unfollow(id: string): void {
    this._feeds.get(id)?.dispose();
    this._feeds.delete(id);
  }

  clear(): void {
    for (const id of [...this._feeds.keys()]) {
      this.unfollow(id);
    }
  }

  dispose(): void {
    this.clear();
  }

  private _forward({ batch, rows }: FeedMessage): void {
    const { state, bufferPaths, buffers } = extractBuffers(rows);
    this._send(
      { type: 'rows', batch, rows: state as EncodedRows, bufferPaths },
      buffers
    );
  }
}
