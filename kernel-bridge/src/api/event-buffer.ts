/** The last routing events, evenly sampled. */
import type { RoutingEvent } from '../run/trace/routing-event';

export class EventBuffer {
  /** Events offered, kept or not. */
  seen = 0;
  private _events: RoutingEvent[] = [];
  private _oldest = 0;

  constructor(
    private readonly _size: number,
    private readonly _rate: number
  ) {}

  add(event: RoutingEvent): void {
    // Evenly: the count of events kept grows with the rate.
    const kept =
      Math.floor((this.seen + 1) * this._rate) >
      Math.floor(this.seen * this._rate);
    this.seen++;
    if (!kept || this._size === 0) {
      return;
    }
    if (this._events.length < this._size) {
      this._events.push(event);
    } else {
      this._events[this._oldest] = event;
      this._oldest = (this._oldest + 1) % this._size;
    }
  }

  /** Oldest first. */
  get events(): RoutingEvent[] {
    return [
      ...this._events.slice(this._oldest),
      ...this._events.slice(0, this._oldest)
    ];
  }
}
