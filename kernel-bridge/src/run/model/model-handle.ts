/** The model that an analysis is called with. */
import { MoEDebuggerError } from '../../base/errors';
import type { LoadedModel, ModelHandle } from './loaded-model';

/**
 * @param caller name of the function, for messages
 * @throws MoEDebuggerError 'input' for what is no model: prompts alone, a trace, or a model with edits
 */
export function loadedOf(handle: ModelHandle, caller: string): LoadedModel {
  if (handle?.loaded === undefined) {
    throw new MoEDebuggerError('input', 'the first argument is no model', {
      where: caller,
      hint: `call ${caller}(await loadModel(path), prompts)`
    });
  }
  return handle.loaded;
}
