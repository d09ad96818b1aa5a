/** Results of a session by what was asked: the same question is answered without a run. */
import { createHash } from 'node:crypto';
import type { RoutingTrace } from '../run/trace/routing-trace';
import { bytesOf } from '../run/trace/trace-bytes';

export interface CacheReport {
  hits: number;
  misses: number;
  /** hits / (hits + misses); 0 before the first question. */
  hitRate: number;
  entries: number;
  /** Bytes that its results take, and may take. */
  bytes: number;
  limit: number;
  /** Results that went to make room, or with their trace. */
  dropped: number;
}

interface Entry {
  result: unknown;
  traces: readonly RoutingTrace[];
  bytes: number;
}

export class ResultCache {
  /** The one that was used longest ago first. */
  private readonly _entries = new Map<string, Entry>();
  private _bytes = 0;
  private _hits = 0;
  private _misses = 0;
  private _dropped = 0;

  /** @param _limit bytes; 0 keeps nothing */
  constructor(private readonly _limit: number) {}

  get report(): CacheReport {
    const asked = this._hits + this._misses;
    return {
      hits: this._hits,
      misses: this._misses,
      hitRate: asked === 0 ? 0 : this._hits / asked,
      entries: this._entries.size,
      bytes: this._bytes,
      limit: this._limit,
      dropped: this._dropped
    };
  }

  /** The result of a question; undefined for one that is not known. Counts either. */
  get<T>(key: string): T | undefined {
    const entry = this._entries.get(key);
    if (!entry) {
      this._misses++;
      return undefined;
    }
    this._hits++;
    this._entries.delete(key);
    this._entries.set(key, entry);
    return entry.result as T;
  }

  /** @param traces what the result consists of */
  set(key: string, result: unknown, traces: readonly RoutingTrace[]): void {
    this._remove(key);
    const bytes = traces.reduce((sum, trace) => sum + bytesOf(trace), 0);
    if (bytes > this._limit) {
      return;
    }
    this._entries.set(key, { result, traces, bytes });
    this._bytes += bytes;
    for (const oldest of this._entries.keys()) {
      if (this._bytes <= this._limit) {
        break;
      }
      this._remove(oldest);
      this._dropped++;
    }
  }

  /** A trace is gone, and with it the results that have it. */
  forget(trace: RoutingTrace): void {
    for (const [key, { traces }] of this._entries) {
      if (traces.includes(trace)) {
        this._remove(key);
        this._dropped++;
      }
    }
  }

  private _remove(key: string): void {
    this._bytes -= this._entries.get(key)?.bytes ?? 0;
    this._entries.delete(key);
  }
}

/** A short name of a question: equal for equal values, whatever they hold, vectors included. */
export function questionKey(question: unknown): string {
  const text = JSON.stringify(question, (_, value: unknown) =>
    ArrayBuffer.isView(value)
      ? {
          bytes: createHash('sha256')
            .update(
              new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
            )
            .digest('hex')
        }
      : value
  );
  return createHash('sha256').update(text).digest('hex');
}
