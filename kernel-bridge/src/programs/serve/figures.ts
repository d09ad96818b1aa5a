/** Figures of a trace that a side panel asks for. */
import { traceFigure } from '../../views/figures';
import {
  FIGURE_NAMES,
  type FromKernel,
  type ToKernel
} from '../../base/protocol';
import { sessionStore } from '../../api/store';

/** Never throws: what is wrong is answered. */
export function drawStored({
  request,
  id,
  name,
  layerIndex
}: Extract<ToKernel, { type: 'draw' }>): FromKernel {
  const refuse = (message: string): FromKernel => ({
    type: 'figure-error',
    request,
    message
  });
  const stored = sessionStore().trace(String(id));
  if (!stored) {
    return refuse('this trace is no longer kept: run the cell again');
  }
  if (!FIGURE_NAMES.includes(name)) {
    return refuse(`there is no figure ${String(name).slice(0, 40)}`);
  }
  try {
    const state = traceFigure(stored.trace, name, Number(layerIndex));
    return { type: 'figure', request, state };
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}
