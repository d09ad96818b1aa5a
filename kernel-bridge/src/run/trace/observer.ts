/** Observer of what models do: the session store, which the side panel displays. */
import type { LoadedModel } from '../model/loaded-model';
import type { RoutingTrace } from './routing-trace';
import type { RunningTrace } from './running-trace';

export interface RunObserver {
  /** The model is busy until `work` settles. */
  running<T>(work: () => Promise<T>): Promise<T>;
  /** A prompt was run, and its continuation follows; `traced` is called with the same id at the end, or `dropped`. */
  began(trace: RunningTrace): void;
  /** @param label the first prompt, or "12 token ids" */
  traced(trace: RoutingTrace, label: string): void;
  /** A trace is not wanted any more: nobody else may keep its memory. */
  dropped(id: string): void;
}

const UNOBSERVED: RunObserver = {
  running: work => work(),
  began: () => undefined,
  traced: () => undefined,
  dropped: () => undefined
};

const observers = new WeakMap<LoadedModel, RunObserver>();

export function observe(model: LoadedModel, observer: RunObserver): void {
  observers.set(model, observer);
}

export function observerOf(model: LoadedModel): RunObserver {
  return observers.get(model) ?? UNOBSERVED;
}
