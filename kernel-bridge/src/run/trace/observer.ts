/** Observer of what models do: the session store, which the side panel displays. */
import type { LoadedModel } from '../model/loaded-model';
import type { RoutingTrace } from './routing-trace';

export interface RunObserver {
  /** The model is busy until `work` settles. */
  running<T>(work: () => Promise<T>): Promise<T>;
  /** @param label the first prompt, or "12 token ids" */
  traced(trace: RoutingTrace, label: string): void;
}

const UNOBSERVED: RunObserver = {
  running: work => work(),
  traced: () => undefined
};

const observers = new WeakMap<LoadedModel, RunObserver>();

export function observe(model: LoadedModel, observer: RunObserver): void {
  observers.set(model, observer);
}

export function observerOf(model: LoadedModel): RunObserver {
  return observers.get(model) ?? UNOBSERVED;
}
