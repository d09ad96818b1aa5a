/** The edits that the routers of a model's graph take, told from the graph alone. */
import { editableGraph } from '../src/run/edits/editable-graph';
import type { RouterSlots } from '../src/run/edits/slots';
import { readStructure } from '../src/run/model/structure';

/** One entry a router, in graph order. */
export function editSlots(folder: string): RouterSlots[] {
  return editableGraph(readStructure(folder)).slots;
}
