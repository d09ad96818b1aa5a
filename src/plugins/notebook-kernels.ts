import type { NotebookKernels } from '../kernel';
import type { IMoEContext } from '../tokens';

const kernels = new WeakMap<IMoEContext, Promise<NotebookKernels>>();

/** The connections to kernels that the side panel and all workbenches share. Their code is loaded at the first call. */
export function notebookKernels(
  context: IMoEContext
): Promise<NotebookKernels> {
  let shared = kernels.get(context);
  if (!shared) {
    shared = import('../kernel').then(
      ({ NotebookKernels }) =>
        new NotebookKernels({ preferences: context.preferences })
    );
    kernels.set(context, shared);
  }
  return shared;
}
