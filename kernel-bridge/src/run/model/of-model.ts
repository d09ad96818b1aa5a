/** State of a capability per model: created at first use, released with the model. */
import { remembered } from '../../base/remembered';
import type { LoadedModel } from './loaded-model';

export interface Releasable {
  /** Can be called repeatedly. */
  release(): Promise<void>;
}

/**
 * @returns a function that returns each model's own `make(model)`; so a capability needs no field of `LoadedModel`
 */
export function ofModel<T extends Releasable>(
  make: (model: LoadedModel) => T
): (model: LoadedModel) => T {
  const known = remembered<LoadedModel, T>();
  return model =>
    known(model, '', () => {
      const made = make(model);
      model.onDispose(() => made.release());
      return made;
    });
}
