/** What a session keeps: traces and events, within a number of bytes. It counts what it had to let go. */
import type { RoutingEvent } from '../run/trace/routing-event';
import type { RoutingTrace } from '../run/trace/routing-trace';
import { bytesOf } from '../run/trace/trace-bytes';
import { EventBuffer } from './event-buffer';

export interface SessionMemoryReport {
  /** Bytes that traces and events may take, and that they take, by estimate. */
  limit: number;
  used: number;
  /** Traces that went over the limit, the oldest first, and their bytes. */
  droppedTraces: number;
  droppedBytes: number;
  /** Events that went, over the limit or over the size of the buffer. */
  droppedEvents: number;
}

export class SessionMemory {
  private readonly _traces = new Map<string, RoutingTrace>();
  private readonly _events: EventBuffer;
  private _bytes = 0;
  private _seen = 0;
  private _droppedTraces = 0;
  private _droppedBytes = 0;

  /** @param _onDrop is told of each trace that goes */
  constructor(
    private readonly _limit: number,
    bufferSize: number,
    private readonly _onDrop: (trace: RoutingTrace) => void
  ) {
    this._events = new EventBuffer(bufferSize);
  }

  /** The oldest first. */
  get traces(): RoutingTrace[] {
    return [...this._traces.values()];
  }

  /** The oldest first. */
  get events(): RoutingEvent[] {
    return this._events.events;
  }

  get report(): SessionMemoryReport {
    return {
      limit: this._limit,
      used: this._bytes + this._events.bytes,
      droppedTraces: this._droppedTraces,
      droppedBytes: this._droppedBytes,
      droppedEvents: this._seen - this._events.length
    };
  }

  /** Keeps a trace as the newest, if it fits. */
  keep(trace: RoutingTrace): void {
    if (this._traces.delete(trace.id)) {
      this._bytes -= bytesOf(trace);
    }
    this._traces.set(trace.id, trace);
    this._bytes += bytesOf(trace);
    this._fit();
  }

  /** @param seen events that there were; those that a buffer would not keep need not be made */
  addEvents(events: readonly RoutingEvent[], seen = events.length): void {
    this._seen += seen;
    this._events.add(events);
    this._fit();
  }

  private _fit(): void {
    for (const [id, trace] of this._traces) {
      if (this._bytes + this._events.bytes <= this._limit) {
        return;
      }
      const bytes = bytesOf(trace);
      this._traces.delete(id);
      this._bytes -= bytes;
      this._droppedTraces++;
      this._droppedBytes += bytes;
      this._onDrop(trace);
    }
    while (this._events.length > 0 && this._events.bytes > this._limit) {
      this._events.drop(Math.ceil(this._events.length / 16));
    }
  }
}
