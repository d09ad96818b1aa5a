/** The newest routing events. */
import type { RoutingEvent } from '../run/trace/routing-event';

/** Of an event beside its lists and its text: an object with a dozen fields. */
const OBJECT = 200;

export class EventBuffer {
  private readonly _events: RoutingEvent[] = [];
  /** Index of the oldest event; those before it are gone. */
  private _oldest = 0;
  private _bytes = 0;

  /** @param _size most events that are kept; the oldest go first */
  constructor(private readonly _size: number) {}

  /** An estimate of the memory that the events take. */
  get bytes(): number {
    return this._bytes;
  }

  get length(): number {
    return this._events.length - this._oldest;
  }

  /** Oldest first. */
  get events(): RoutingEvent[] {
    return this._events.slice(this._oldest);
  }

  add(events: readonly RoutingEvent[]): void {
    for (const event of events) {
      this._events.push(event);
      this._bytes += bytesOf(event);
    }
    this.drop(this.length - this._size);
  }

  /** Lets go of the oldest events. */
  drop(count: number): void {
    const end = this._oldest + Math.min(Math.max(0, count), this.length);
    for (; this._oldest < end; this._oldest++) {
      this._bytes -= bytesOf(this._events[this._oldest]);
    }
    if (this._oldest > this._events.length / 2) {
      this._events.splice(0, this._oldest);
      this._oldest = 0;
    }
  }
}

function bytesOf({
  tokenText,
  expertWeights,
  selectedExperts
}: RoutingEvent): number {
  return (
    OBJECT +
    2 * tokenText.length +
    8 * (expertWeights.length + selectedExperts.length)
  );
}
