/** What a capability keeps with a model: made at its first use, released with the model. */
import { remembered } from '../../base/remembered';
import type { LoadedModel } from './loaded-model';

export interface Releasable {
  /** Can be called twice. */
  release(): Promise<void>;
}

/**
 * @returns gives each model its own `make(model)`; so a capability needs no field of `LoadedModel`
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
