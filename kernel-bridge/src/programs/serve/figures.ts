/** Figures of a trace that a client asks for. */
import { traceFigure } from '../../views/figures';
import type { ToKernel, TraceFigure } from '../../base/protocol';
import { storedTrace } from './stored-trace';

/** @throws MoEDebuggerError 'input' for a trace that is no longer kept, or what the trace has no such figure of */
export function drawStored({
  id,
  name,
  layerIndex
}: Pick<
  Extract<ToKernel, { type: 'draw' }>,
  'id' | 'name' | 'layerIndex'
>): TraceFigure {
  return traceFigure(storedTrace(id).trace, name, layerIndex);
}
