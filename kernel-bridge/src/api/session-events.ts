/** Routing events of a session: of finished traces together, of generations with each step. */
import {
  sampleOf,
  tokensOf,
  type RoutingSample,
  type RunStep
} from '../base/protocol';
import {
  eventsOf,
  newestEvents,
  type RoutingEvent
} from '../run/trace/routing-event';
import type { RoutingTrace } from '../run/trace/routing-trace';
import type { RunningTrace } from '../run/trace/running-trace';

type Listener = (events: readonly RoutingEvent[]) => void;

export class SessionEvents {
  /** Events that there were, kept or not. */
  seen = 0;
  private readonly _listeners = new Set<Listener>();

  /**
   * @param _bufferSize events that are kept at most; without listeners no more are made
   * @param _keep is given the new events, and how many there were
   */
  constructor(
    private readonly _sessionId: string,
    private readonly _bufferSize: number,
    private readonly _keep: (
      events: readonly RoutingEvent[],
      seen: number
    ) => void
  ) {}

  /** Calls back with new events; returns a function that stops it. */
  listen(listener: Listener): () => void {
    this._listeners.add(listener);
    return () => this._listeners.delete(listener);
  }

  /** Adds the events of a finished trace. */
  ofTrace({ samples, steps, created }: RoutingTrace): void {
    const seen = samples
      .flatMap(sample =>
        sample.layers.map(layer => tokensOf(sample, layer).length)
      )
      .reduce((sum, count) => sum + count, 0);
    const most = this._listeners.size > 0 ? Infinity : this._bufferSize;
    this._add(
      newestEvents(samples, most, sample => ({
        sessionId: this._sessionId,
        steps: steps.get(sample.id),
        created: created.getTime()
      })),
      seen
    );
  }

  /** Adds the events of a generation as its steps come. */
  follow(running: RunningTrace): void {
    let [rows, steps] = [running.tokens, running.steps.length];
    const take = (sample: RoutingSample, own: readonly RunStep[]): void => {
      const events = [
        ...eventsOf(sample, {
          sessionId: this._sessionId,
          steps: own,
          created: running.created.getTime()
        })
      ];
      this._add(events, events.length);
    };
    take(running.sample, running.steps);
    running.onChange(() => {
      const fresh = running.rows(rows, steps);
      rows += fresh.tokens.length;
      steps += fresh.steps.length;
      if (fresh.tokens.length > 0) {
        take(sampleOf(fresh), fresh.steps);
      }
    });
  }

  private _add(events: readonly RoutingEvent[], seen: number): void {
    this.seen += seen;
    this._keep(events, seen);
    for (const listener of [...this._listeners]) {
      listener(events);
    }
  }
}
